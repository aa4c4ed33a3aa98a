"""A client's queue: the messages addressed to it that its browser has not acknowledged.

A message leaves when the browser's cursor has passed it, never because it was written: an answer can be
lost on its way. What was given out and not acknowledged is given out again, in the same order.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, ClassVar, TypeVar

from thywill.core.envelope import encode_answer, encode_item
from thywill.core.overflow import Overflow
from thywill.errors import Malformed

Form = TypeVar("Form")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one queue may hold, and how much one answer may carry.

    ``size`` and ``batch_size`` are in bytes of encoded messages; an answer carries at least one message.
    """

    messages: int = 1000
    size: int = 1024 * 1024
    batch: int = 100
    batch_size: int = 256 * 1024
    overflow: Overflow = Overflow.DROP_OLDEST


class Entry:
    """One message of the log, encoded once and shared by the queues of all of its receivers."""

    __slots__ = ("__weakref__", "_alone", "_form", "encoded", "id", "is_reply", "key", "overflow")

    lost: ClassVar[int] = 0

    def __init__(
        self,
        message_id: int,
        data: bytes,
        reply_to: int | None = None,
        key: str | None = None,
        overflow: Overflow | None = None,
    ) -> None:
        self.id = message_id
        self.is_reply = reply_to is not None
        self.key = key
        self.overflow = overflow
        self.encoded = encode_item(message_id, data, reply_to)
        self._alone: bytes | None = None
        self._form: Any = None

    def alone(self) -> bytes:
        """Return the answer that carries this message only: the same bytes for every receiver."""
        if self._alone is None:
            self._alone = encode_answer((self.encoded,), self.id)
        return self._alone

    def form(self, make: Callable[[bytes], Form]) -> Form:
        """Return ``make(self.encoded)``, made once for all receivers, who ask with the same ``make``."""
        if self._form is None:
            self._form = make(self.encoded)
        form: Form = self._form
        return form


class Loss:
    """Where messages were dropped from one queue: the id of the last of them, and how many.

    It is given out and acknowledged as a message is, so its number is told until the browser has it, and
    then no more.
    """

    __slots__ = ("id", "lost")

    encoded: ClassVar[bytes] = b""

    def __init__(self, last: int, lost: int) -> None:
        self.id = last
        self.lost = lost

    def alone(self) -> bytes:
        """Return the answer that tells of this loss only."""
        return encode_answer((), self.id, self.lost)


Waiting = Entry | Loss

_id = attrgetter("id")


class Full(Exception):
    """There is no room for a message that must not be dropped: its client cannot go on."""


class Outbox:
    """The queue of one client.

    Args:
        bounds: shared by all queues of the same kind.
        cursor: the id of the last message that the browser has acknowledged.

    ``entries[:given]`` were given out and wait for their acknowledgement. What is dropped leaves a
    ``Loss`` in its place: one for each message that was given out, since the browser may have had some of
    them, and one for all others that stood side by side. So there are never more of them than an answer may
    carry messages, and one for each message that waits.
    """

    __slots__ = (
        "bounds",
        "cursor",
        "entries",
        "in_flight",
        "keys",
        "losses",
        "lost",
        "restored_up_to",
        "size",
    )

    def __init__(self, bounds: Bounds, cursor: int = 0) -> None:
        self.bounds = bounds
        self.cursor = cursor
        self.entries: list[Waiting] = []
        self.in_flight = 0
        self.losses = 0
        self.lost = 0
        self.size = 0
        self.keys: dict[str, Entry] | None = None
        self.restored_up_to = 0

    @classmethod
    def restored(cls, bounds: Bounds, cursor: int, entries: list[Waiting], last: int) -> Outbox:
        """Return the queue of a client that was kept over a restart of the server.

        Args:
            bounds: as above.
            cursor: what was noted of its browser's acknowledgements; it may lag behind them.
            entries: what was sent to it, and lost, after ``cursor``; bounds are for what comes now, since
                much of this may have been acknowledged. What a later one replaces is left out.
            last: the highest id that the browser may have been given.
        """
        outbox = cls(bounds, cursor)
        entries = outbox._conflated(entries)
        outbox.entries, outbox.in_flight, outbox.restored_up_to = entries, len(entries), last
        outbox.size = sum(len(entry.encoded) for entry in entries)
        outbox.losses, outbox.lost = sum(1 for entry in entries if entry.lost), lost_in(entries)
        return outbox

    def _conflated(self, items: list[Waiting]) -> list[Waiting]:
        """Note the keys of ``items``; return these without what a later one of the same key replaces."""
        entries = [item for item in items if isinstance(item, Entry)]
        conflating = [entry for entry in entries if self._policy(entry) is Overflow.CONFLATE]
        keyed = [(entry.key, entry) for entry in conflating if entry.key is not None]
        self.keys = dict(keyed) or None
        replaced = {entry.id for key, entry in keyed if self.keys and self.keys[key] is not entry}
        return [item for item in items if item.id not in replaced]

    def loss(self) -> tuple[int, int]:
        """Return how many messages its losses stand for, and the id of the last of them."""
        ids = [item.id for item in self.entries if item.lost]
        return self.lost, ids[-1] if ids else 0

    def __len__(self) -> int:
        return len(self.entries) - self.losses

    def append(self, entry: Entry) -> int:
        """Add a message, as its policy says where there is no room; return how many were dropped.

        Raises:
            Full: there is no room for it, and it must not be dropped.
        """
        if entry.key is not None:
            self._conflate(entry, entry.key)
        self.entries.append(entry)
        self.size += len(entry.encoded)
        if self.size <= self.bounds.size and len(self.entries) <= self.bounds.messages:
            return 0
        return self._make_room(entry) if self._is_over() else 0

    def _conflate(self, entry: Entry, key: str) -> None:
        if self._policy(entry) is not Overflow.CONFLATE:
            return
        if self.keys is None:
            self.keys = {}
        older = self.keys.get(key)
        if older is not None:
            self._replace(older)
        self.keys[key] = entry

    def _replace(self, older: Entry) -> None:
        # Of what is left from before a restart nobody knows whether it was given out, and a cursor there is
        # believed without its message: so it is replaced.
        first = 0 if older.id <= self.restored_up_to else self.in_flight
        index = bisect_left(self.entries, older.id, lo=first, key=_id)
        if index == len(self.entries) or self.entries[index] is not older:
            return  # it was given out
        self._release((older,))
        del self.entries[index]
        if index < self.in_flight:
            self.in_flight -= 1
        if self.in_flight < index < len(self.entries) and self._are_losses(index - 1, index):
            self._merge(index - 1, index + 1)

    def _make_room(self, entry: Entry) -> int:
        policy = self._policy(entry)
        if policy is Overflow.DISCONNECT:
            raise Full
        if policy is not Overflow.DROP_NEWEST or entry.is_reply:
            return self._drop_oldest(entry)
        if len(self) == 1:
            return 0  # it would never get in
        self._drop(len(self.entries) - 1)
        return 1

    def _drop_oldest(self, entry: Entry) -> int:
        # What was given out stays: its answer may be on the way, and its acknowledgement must find it.
        dropped, index, others = 0, self.in_flight, False
        while self._is_over() and self.entries[index] is not entry:
            if self._may_drop(self.entries[index]):
                index = self._drop(index)
                dropped += 1
            else:
                others = others or not self.entries[index].lost
                index += 1
        if not others or not self._is_over():
            return dropped
        if not self._may_drop(entry):
            raise Full
        self._drop(index)
        return dropped + 1

    def _may_drop(self, item: Waiting) -> bool:
        # Somebody waits for a reply: a call is answered once, whatever else is dropped.
        if isinstance(item, Loss) or item.is_reply:
            return False
        return self._policy(item) is not Overflow.DISCONNECT

    def _policy(self, entry: Entry) -> Overflow:
        return entry.overflow or self.bounds.overflow

    def _is_over(self) -> bool:
        return self.size > self.bounds.size or len(self) > self.bounds.messages

    def _drop(self, index: int) -> int:
        """Drop a message that was not given out; return the index after the loss."""
        first, end = index, index + 1
        if index > self.in_flight and self._are_losses(index - 1):
            first -= 1
        if end < len(self.entries) and self._are_losses(end):
            end += 1
        self._merge(first, end)
        return first + 1

    def _are_losses(self, *indices: int) -> bool:
        return all(self.entries[index].lost for index in indices)

    def _merge(self, first: int, end: int) -> None:
        items = self.entries[first:end]
        loss = Loss(items[-1].id, sum(item.lost or 1 for item in items))
        self._release(items)
        self.entries[first:end] = [loss]
        self.losses += 1
        self.lost += loss.lost

    def _release(self, items: Sequence[Waiting]) -> None:
        for item in items:
            self.size -= len(item.encoded)
        if self.losses:
            self.losses -= sum(1 for item in items if item.lost)
            self.lost -= lost_in(items)
        if self.keys:
            self._forget_keys(self.keys, items)

    def _forget_keys(self, keys: dict[str, Entry], items: Sequence[Waiting]) -> None:
        for item in items:
            if isinstance(item, Entry) and item.key is not None and keys.get(item.key) is item:
                del keys[item.key]

    def drop_up_to(self, up_to: int) -> int:
        """Drop every message up to that id, even what was given out; return how many these were.

        Raises:
            Full: one of them must not be dropped.
        """
        end = bisect_right(self.entries, up_to, key=_id)
        dropped = [item for item in self.entries[:end] if not item.lost]
        if not all(self._may_drop(item) for item in dropped):
            raise Full
        for index in range(min(end, self.in_flight)):
            self._merge(index, index + 1)
        if end > self.in_flight:
            if end < len(self.entries) and self._are_losses(end):
                end += 1
            self._merge(self.in_flight, end)
        return len(dropped)

    def is_stale(self, cursor: int) -> bool:
        """Tell whether ``cursor`` lies before what was acknowledged: a request that was overtaken."""
        return cursor < self.cursor

    def acknowledge(self, cursor: int) -> None:
        """Let go of every message up to ``cursor``, which was given out or acknowledged before.

        Raises:
            Malformed: the cursor was never given out.
        """
        if cursor == self.cursor:
            return
        if cursor <= self.restored_up_to:
            # Its message may have left the log, so this is believed.
            self._remove_first(self._index_after(cursor))
            self.cursor = cursor
            return
        if not self.in_flight or cursor > self.entries[self.in_flight - 1].id:
            raise Malformed(f"cursor {cursor} was never given out")
        self._remove_first(self._position(cursor) + 1)
        self.cursor = cursor

    def _position(self, cursor: int) -> int:
        # From the end: a browser acknowledges the whole of an answer.
        for index in range(self.in_flight - 1, -1, -1):
            if self.entries[index].id == cursor:
                return index
        raise Malformed(f"cursor {cursor} was never given out")

    def _remove_first(self, count: int) -> None:
        self._release(self.entries[:count])
        del self.entries[:count]
        self.in_flight -= count

    def next_answer(self) -> bytes:
        """Return the answer with all that waits, as much as one answer may carry.

        The same messages are given again until they are acknowledged.
        """
        entries = self.entries
        if len(entries) == 1:
            self.in_flight = 1
            return entries[0].alone()
        if not entries:
            return encode_answer((), self.cursor)
        batch = self._batch()
        self.in_flight = max(self.in_flight, len(batch))
        return encode_answer([item.encoded for item in batch if not item.lost], batch[-1].id, lost_in(batch))

    def batch_after(self, sent: int) -> list[Waiting]:
        """Return the messages and losses after the id ``sent``, for a stream that has written all up to it.

        A stream writes each message once, and no more than one answer may carry before the browser has
        acknowledged it: what it has not read yet stays here, where the bounds hold.
        """
        first = self._index_after(sent)
        batch = self.entries if self._fits_one_answer() else self._batch()
        self.in_flight = max(self.in_flight, len(batch))
        return batch[first:]

    def _index_after(self, sent: int) -> int:
        # From the end: only what has come since is new.
        index = len(self.entries)
        while index and self.entries[index - 1].id > sent:
            index -= 1
        return index

    def _fits_one_answer(self) -> bool:
        return len(self.entries) <= self.bounds.batch and self.size <= self.bounds.batch_size

    def _batch(self) -> list[Waiting]:
        count = end = self._fitting()
        if end < len(self.entries):
            # A loss goes with the message after it, if there is another that can go before.
            while end and self.entries[end - 1].lost:
                end -= 1
        return self.entries[: end or count]

    def _fitting(self) -> int:
        size = 0
        for count, item in enumerate(self.entries[: self.bounds.batch]):
            size += len(item.encoded)
            if size > self.bounds.batch_size and count:
                return count
        return min(len(self.entries), self.bounds.batch)


def lost_in(items: Sequence[Waiting]) -> int:
    """Return how many messages the losses among ``items`` stand for."""
    return sum(item.lost for item in items)
