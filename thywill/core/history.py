"""The history of channels: the last messages, for clients that subscribe late.

A browser ignores a message whose id is not above those that it has. So an old message cannot be sent to a
late client under its old id. Instead old messages travel together in a *pack*: one new message for that
client alone, which its browser unpacks. In this example a channel keeps three messages:

    ids 5, 6, 8, 9 are published     the ring holds 6 8 9
    a client subscribes              it is sent the pack [6, 8, 9] as the message 10
    11 is published                  the client gets it as all members do

No message may be missing or come twice between the pack and the messages after it. So a message enters the
ring when its id is *assigned*, not later when it is safe, and the pack is made in the same turn of the loop
in which the pack's own id is assigned. Then the pack holds every message with a lower id, and the client gets
every message with a higher id by itself. A message that cannot be saved is withdrawn; the pack, which comes
after it, then cannot be saved either.
"""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from thywill.core.patterns import ByChannel

CHANNEL_BYTES = 1024 * 1024
"""The bytes that one channel keeps if its author sets no other limit."""
END = 2**63
"""An id above all ids of messages."""

FORM = 'a count, or {"count": …, "seconds": …, "bytes": …}'


@dataclass(frozen=True, slots=True)
class HistoryBounds:
    """How much one channel keeps.

    Args:
        count: how many messages.
        seconds: for how long.
        bytes: how many bytes of encoded messages.
    """

    count: int
    seconds: float = math.inf
    bytes: int = CHANNEL_BYTES


def read_bounds(value: object) -> HistoryBounds:
    """Return the bounds that an author has written: a count, or a mapping with ``count`` and others.

    Raises:
        ValueError: ``value`` is neither, or a number in it is not above 0.
    """
    fields: dict[str, Any] = {"count": value} if not isinstance(value, Mapping) else dict(value)
    unknown = set(fields) - {"count", "seconds", "bytes"}
    if unknown or "count" not in fields:
        raise ValueError(f"{value!r} is not {FORM}")
    for name, number in fields.items():
        whole = int if name != "seconds" else int | float
        if not isinstance(number, whole) or isinstance(number, bool) or not number > 0:
            raise ValueError(f"{name} is {number!r}, and must be a number above 0")
    return HistoryBounds(**fields)


class HistoryMessage(NamedTuple):
    """A message of a channel's history.

    Args:
        id: the message's id.
        sent: when it was sent, in seconds since the epoch.
        data: its JSON.
        exclude: the id of a client that did not get it; None if all members got it.
    """

    id: int
    sent: float
    data: bytes
    exclude: str | None = None


class Ring:
    """The last messages of one channel."""

    __slots__ = ("_bounds", "messages", "size")

    def __init__(self, bounds: HistoryBounds) -> None:
        self._bounds = bounds
        self.messages: deque[HistoryMessage] = deque()
        self.size = 0

    def add(self, message: HistoryMessage) -> int:
        """Add a message; return how many bytes of older messages were dropped."""
        self.messages.append(message)
        self.size += len(message.data)
        return self.drop(message.sent)

    def drop(self, now: float) -> int:
        """Drop messages beyond the bounds; return how many bytes were dropped."""
        before, bounds, messages = self.size, self._bounds, self.messages
        while messages and (
            len(messages) > bounds.count
            or self.size > bounds.bytes
            or messages[0].sent < now - bounds.seconds
        ):
            self.size -= len(messages.popleft().data)
        return before - self.size

    def withdraw(self, message_id: int) -> int:
        """Remove one message if it is here; return its size in bytes, or 0."""
        for place, message in enumerate(self.messages):
            if message.id == message_id:
                del self.messages[place]
                self.size -= len(message.data)
                return len(message.data)
        return 0


class History:
    """The history of one application's channels.

    Args:
        rules: the bounds by name or pattern of a channel; other channels keep nothing.
        limit: bytes that all channels may keep together. Beyond the limit the channels that were silent for
            the longest time lose their history.
    """

    def __init__(self, rules: Mapping[str, HistoryBounds], limit: int) -> None:
        self._rules: ByChannel[HistoryBounds | None] = ByChannel(None, rules)
        self._limit = limit
        self._rings: OrderedDict[str, Ring] = OrderedDict()
        self._recordings: dict[str, list[list[HistoryMessage]]] = {}
        self._changed: set[str] = set()
        self.size = 0

    def bounds(self, channel: str) -> HistoryBounds | None:
        """Return how much the channel keeps; None if it has no history."""
        return self._rules.of(channel)

    def keeps(self, channel: str) -> bool:
        """Return whether the channel has a history."""
        return self._rules.of(channel) is not None

    def add_to_recordings(self, channel: str, message: HistoryMessage) -> None:
        """Add a message, whose id was just assigned, to the channel's recordings but not to its history."""
        for recording in self._recordings.get(channel, ()):
            recording.append(message)

    def record(self, channel: str, message: HistoryMessage) -> bool:
        """Add a message, whose id was just assigned; return whether the channel's history keeps it."""
        self.add_to_recordings(channel, message)
        bounds = self._rules.of(channel)
        if bounds is None:
            return False
        ring = self._rings.get(channel)
        if ring is None:
            ring = self._rings[channel] = Ring(bounds)
        self._rings.move_to_end(channel)
        self.size += len(message.data)
        if dropped := ring.add(message):
            self.size -= dropped
            self._changed.add(channel)
        while self.size > self._limit and len(self._rings) > 1:
            self._forget(next(iter(self._rings)))
        return True

    def withdraw(self, channel: str, message_id: int) -> None:
        """Remove a message that could not be saved and was not sent."""
        for recording in self._recordings.get(channel, ()):
            recording[:] = [message for message in recording if message.id != message_id]
        if ring := self._rings.get(channel):
            self.size -= ring.withdraw(message_id)

    def messages(self, channel: str, now: float) -> list[bytes]:
        """Return the history of the channel, the oldest message first."""
        ring = self._rings.get(channel)
        if ring is None:
            return []
        if dropped := ring.drop(now):
            self.size -= dropped
            self._changed.add(channel)
        return [message.data for message in ring.messages]

    @contextmanager
    def recording(self, channel: str) -> Iterator[list[HistoryMessage]]:
        """Record the messages to the channel during a ``with`` block, whether it has a history or not."""
        recorded: list[HistoryMessage] = []
        self._recordings.setdefault(channel, []).append(recorded)
        try:
            yield recorded
        finally:
            others = [each for each in self._recordings[channel] if each is not recorded]
            self._recordings[channel] = others
            if not others:
                del self._recordings[channel]

    def _drop(self, now: float) -> None:
        for channel in list(self._rings):
            self.messages(channel, now)
            if not self._rings[channel].messages:
                self._forget(channel)

    def release(self, channel: str) -> None:
        """Mark the channel as changed: the rules have changed, and a stored message is not kept any more."""
        self._changed.add(channel)

    def take_changed(self, now: float) -> dict[str, int]:
        """Return the channels that have dropped messages since the last call, each with its first id left."""
        self._drop(now)
        changed, self._changed = self._changed, set()
        return {channel: self._first(channel) for channel in changed}

    def _first(self, channel: str) -> int:
        ring = self._rings.get(channel)
        return ring.messages[0].id if ring is not None and ring.messages else END

    def _forget(self, channel: str) -> None:
        self.size -= self._rings.pop(channel).size
        self._changed.add(channel)


def pack(messages: Iterable[bytes], limit: int) -> list[bytes]:
    """Return the packs for ``messages``, in order; each is a JSON array of at most ``limit`` bytes.

    A message that exceeds the limit only with the brackets around it becomes a pack of its own.
    """
    packs: list[bytes] = []
    part: list[bytes] = []
    size = 0
    for data in messages:
        if part and size + len(data) + 2 > limit:
            packs.append(_joined(part))
            part, size = [], 0
        part.append(data)
        size += len(data) + 1
    return [*packs, _joined(part)] if part else packs


def _joined(parts: Sequence[bytes]) -> bytes:
    return b"[%b]" % b",".join(parts)
