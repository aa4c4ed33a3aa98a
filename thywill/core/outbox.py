"""A client's queue: the messages addressed to it that its browser has not acknowledged.

A message leaves when the browser's cursor has passed it, never because it was written: an answer can be
lost on its way. What was given out and not acknowledged is given out again, in the same order.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from thywill.core.envelope import encode_answer, encode_item
from thywill.errors import Malformed


class Overflow(enum.Enum):
    """What happens to a queue that is full."""

    DROP_OLDEST = "drop_oldest"  # the oldest that was not given out goes, and the browser is told how many
    DISCONNECT = "disconnect"  # the client is gone, and is told why


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

    __slots__ = ("_alone", "_form", "encoded", "id", "is_reply")

    def __init__(self, message_id: int, data: bytes, reply_to: int | None = None) -> None:
        self.id = message_id
        self.is_reply = reply_to is not None
        self.encoded = encode_item(message_id, data, reply_to)
        self._alone: bytes | None = None
        self._form: bytes | None = None

    def alone(self) -> bytes:
        """Return the answer that carries this message only: the same bytes for every receiver."""
        if self._alone is None:
            self._alone = encode_answer((self.encoded,), self.id)
        return self._alone

    def form(self, make: Callable[[bytes], bytes]) -> bytes:
        """Return ``make(self.encoded)``, made once for all receivers, who ask with the same ``make``."""
        if self._form is None:
            self._form = make(self.encoded)
        return self._form


class Full(Exception):
    """The queue is full, and nothing can be dropped for the new message."""


class Outbox:
    """The queue of one client.

    Args:
        bounds: shared by all queues of the same kind.
        cursor: the id of the last message that the browser has acknowledged.

    ``entries[:given]`` were given out and wait for their acknowledgement. A message that was dropped
    leaves its count with the entry that follows it (``lost[entry.id]``), so that the browser is told
    exactly once, however often an answer is repeated.
    """

    __slots__ = ("bounds", "cursor", "entries", "given", "lost", "size")

    def __init__(self, bounds: Bounds, cursor: int = 0) -> None:
        self.bounds = bounds
        self.cursor = cursor
        self.entries: list[Entry] = []
        self.given = 0
        self.size = 0
        self.lost: dict[int, int] | None = None

    def __len__(self) -> int:
        return len(self.entries)

    def append(self, entry: Entry) -> int:
        """Add a message and return how many had to be dropped for it.

        Raises:
            Full: the queue is full and its policy is to disconnect, or it is full of replies.
        """
        self.entries.append(entry)
        self.size += len(entry.encoded)
        if self.size <= self.bounds.size and len(self.entries) <= self.bounds.messages:
            return 0
        return self._make_room()

    def _make_room(self) -> int:
        if self.bounds.overflow is Overflow.DISCONNECT:
            raise Full
        dropped, index = 0, self.given
        while self._is_over() and index < len(self.entries) - 1:
            if self.entries[index].is_reply:
                index += 1  # somebody waits for it: a call is answered once, whatever else is dropped
            else:
                self._drop(index)
                dropped += 1
        if index > self.given and self._is_over():
            raise Full
        return dropped

    def _is_over(self) -> bool:
        return self.size > self.bounds.size or len(self.entries) > self.bounds.messages

    def _drop(self, index: int) -> None:
        # What was given out stays: its answer may be on the way, and its acknowledgement must find it.
        entry = self.entries.pop(index)
        self.size -= len(entry.encoded)
        if self.lost is None:
            self.lost = {}
        follower = self.entries[index].id
        self.lost[follower] = self.lost.get(follower, 0) + self.lost.pop(entry.id, 0) + 1

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
        if not self.given or cursor > self.entries[self.given - 1].id:
            raise Malformed(f"cursor {cursor} was never given out")
        self._let_go(self._position(cursor) + 1)
        self.cursor = cursor

    def _position(self, cursor: int) -> int:
        # From the end: a browser acknowledges the whole of an answer.
        for index in range(self.given - 1, -1, -1):
            if self.entries[index].id == cursor:
                return index
        raise Malformed(f"cursor {cursor} was never given out")

    def _let_go(self, count: int) -> None:
        for entry in self.entries[:count]:
            self.size -= len(entry.encoded)
            if self.lost:
                self.lost.pop(entry.id, None)
        del self.entries[:count]
        self.given -= count

    def give(self) -> bytes:
        """Return the answer with all that waits, as much as one answer may carry.

        The same messages are given again until they are acknowledged.
        """
        entries = self.entries
        if len(entries) == 1 and not self.lost:
            self.given = 1
            return entries[0].alone()
        batch = self._batch()
        self.given = max(self.given, len(batch))
        cursor = batch[-1].id if batch else self.cursor
        return encode_answer([entry.encoded for entry in batch], cursor, self.lost_before(batch))

    def give_after(self, sent: int) -> list[Entry]:
        """Return the entries after the id ``sent``, for a stream that has written all up to it.

        A stream writes each message once, and no more than one answer may carry before the browser has
        acknowledged it: what it has not read yet stays here, where the bounds hold.
        """
        first = self._index_after(sent)
        batch = self.entries if self._fits_one_answer() else self._batch()
        self.given = max(self.given, len(batch))
        return batch[first:]

    def lost_before(self, entries: Sequence[Entry]) -> int:
        """Return how many messages were dropped just before those in ``entries``."""
        return sum(self.lost.get(entry.id, 0) for entry in entries) if self.lost else 0

    def _index_after(self, sent: int) -> int:
        # From the end: only what has come since is new.
        index = len(self.entries)
        while index and self.entries[index - 1].id > sent:
            index -= 1
        return index

    def _fits_one_answer(self) -> bool:
        return len(self.entries) <= self.bounds.batch and self.size <= self.bounds.batch_size

    def _batch(self) -> list[Entry]:
        size = 0
        for count, entry in enumerate(self.entries[: self.bounds.batch]):
            size += len(entry.encoded)
            if size > self.bounds.batch_size and count:
                return self.entries[:count]
        return self.entries[: self.bounds.batch]
