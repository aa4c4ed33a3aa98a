"""A client's outbox: the messages for one browser that the browser has not acknowledged yet.

An HTTP answer can be lost without the server's knowledge. So a message is not removed when it is written: it
is *in flight* until the browser acknowledges it, and is written again with the next answer if no
acknowledgement comes. The browser ignores an id that it has seen.

Ids grow, so one number, the *cursor*, acknowledges every message up to it. ``entries`` is ordered by id and
has two parts: ``entries[:in_flight]`` were written, the rest wait. An example:

    append 3, 5, 8     cursor 0    waiting 3 5 8
    poll, cursor 0     cursor 0    in flight 3 5 8       the answer with 3, 5 and 8 is lost
    append 9           cursor 0    in flight 3 5 8, waiting 9
    poll, cursor 0     cursor 0    in flight 3 5 8 9     all four are written, three of them again
    poll, cursor 9     cursor 9    empty                 the browser has acknowledged all of them

An outbox is bounded. When it is full, waiting messages are dropped, but not those in flight: the browser may
have them already, and then it acknowledges them with a cursor that must still be found. A ``Loss`` takes the
place of dropped messages. It has the id of the last one and their count, and is written and acknowledged like
a message, so the browser learns of each loss exactly once. With room for two messages:

    append 10, 11, 12  cursor 9    waiting Loss(10, lost=1) 11 12
    poll, cursor 9     cursor 9    in flight Loss 11 12  {"messages": [11, 12], "cursor": 12, "lost": 1}
    poll, cursor 12    cursor 12   empty

After a restart the server does not know which messages were in flight: ``restored`` explains what it does.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from thywill.core.log import Entry, Loss, Waiting, encode_answer
from thywill.core.overflow import Overflow
from thywill.errors import Malformed


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much one outbox may hold, and how much one answer may carry.

    Args:
        messages: how many messages an outbox may hold.
        size: how many bytes of encoded messages an outbox may hold.
        batch: how many messages one answer may carry.
        batch_size: how many bytes one answer may carry; a single message that is larger goes alone.
        overflow: the policy of messages that have none of their own.
    """

    messages: int = 1000
    size: int = 1024 * 1024
    batch: int = 100
    batch_size: int = 256 * 1024
    overflow: Overflow = Overflow.DROP_OLDEST


_id = attrgetter("id")


class Full(Exception):
    """The outbox is full, and no message that is left may be dropped: the client has to be ended."""


class Outbox:
    """The outbox of one client; the beginning of this file explains it.

    ``entries[:in_flight]`` were written and are not acknowledged. Neighbouring losses among the waiting
    entries are merged into one. Losses in flight are not merged, since the browser may acknowledge only some
    of them. So there are at most as many losses as an answer carries messages, and one more for each waiting
    message.

    Args:
        bounds: how much the outbox may hold; one object, shared by all outboxes.
        cursor: the id of the last message that the browser has acknowledged.
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
        """Rebuild the outbox of a client after a restart of the server.

        The database knows which messages were sent, but not which of them were written to the browser, and
        only roughly which were acknowledged. So all of them count as in flight: none is dropped when the
        outbox is full, and any cursor up to ``last`` is accepted.

        Args:
            bounds: how much the outbox may hold. The restored entries may exceed the bounds, as the browser
                may have acknowledged many of them.
            cursor: the last acknowledgement that was saved; the browser's own cursor may be higher.
            entries: the messages and losses after ``cursor``. A message that a later one with the same key
                replaces is left out.
            last: the highest id that may have been written to the browser.
        """
        outbox = cls(bounds, cursor)
        entries = outbox._conflated(entries)
        outbox.entries, outbox.in_flight, outbox.restored_up_to = entries, len(entries), last
        outbox.size = sum(len(entry.encoded) for entry in entries)
        outbox.losses, outbox.lost = sum(1 for entry in entries if entry.lost), lost_in(entries)
        return outbox

    def _conflated(self, items: list[Waiting]) -> list[Waiting]:
        """Index ``items`` by key; return them without those that a later one of the same key replaces."""
        entries = [item for item in items if isinstance(item, Entry)]
        conflating = [entry for entry in entries if self._policy(entry) is Overflow.CONFLATE]
        keyed = [(entry.key, entry) for entry in conflating if entry.key is not None]
        self.keys = dict(keyed) or None
        replaced = {entry.id for key, entry in keyed if self.keys and self.keys[key] is not entry}
        return [item for item in items if item.id not in replaced]

    def loss(self) -> tuple[int, int]:
        """Return how many messages were dropped in all, and the id of the last of them (0: none)."""
        ids = [item.id for item in self.entries if item.lost]
        return self.lost, ids[-1] if ids else 0

    def __len__(self) -> int:
        return len(self.entries) - self.losses

    def append(self, entry: Entry) -> int:
        """Add a message. If there is no room, do what its policy says.

        Returns:
            how many messages were dropped.

        Raises:
            Full: there is no room for the message, and it must not be dropped.
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
        # A message in flight is not replaced, since ``acknowledge`` has to find its cursor. A message from
        # before a restart may be replaced: any cursor up to ``restored_up_to`` is accepted.
        first = 0 if older.id <= self.restored_up_to else self.in_flight
        index = bisect_left(self.entries, older.id, lo=first, key=_id)
        if index == len(self.entries) or self.entries[index] is not older:
            return  # it is in flight
        self._release([older])
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
            return 0  # this message alone exceeds the bounds: it is kept, since it would never fit
        self._drop(len(self.entries) - 1)
        return 1

    def _drop_oldest(self, entry: Entry) -> int:
        # Messages in flight stay: their answer may be on its way, and ``acknowledge`` has to find its cursor.
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
        # A reply is never dropped, because the page waits for it: every call is answered exactly once.
        if isinstance(item, Loss) or item.is_reply:
            return False
        return self._policy(item) is not Overflow.DISCONNECT

    def _policy(self, entry: Entry) -> Overflow:
        return entry.overflow or self.bounds.overflow

    def _is_over(self) -> bool:
        return self.size > self.bounds.size or len(self) > self.bounds.messages

    def _drop(self, index: int) -> int:
        """Drop a waiting message, merge the loss with its neighbours, and return the index after it."""
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

    def _release(self, items: list[Waiting]) -> None:
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

    def drop_up_to(self, up_to: int) -> list[Waiting]:
        """Drop every message up to the id ``up_to``, even if it is in flight: the log is full.

        Returns:
            the messages that were dropped.

        Raises:
            Full: one of the messages must not be dropped; then none was dropped.
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
        return dropped

    def is_stale(self, cursor: int) -> bool:
        """Return whether ``cursor`` is older than the last acknowledgement: a newer request came first."""
        return cursor < self.cursor

    def acknowledge(self, cursor: int) -> None:
        """Remove every message up to ``cursor``, because the browser has processed them.

        Raises:
            Malformed: no answer to this client has ended with that cursor.
        """
        if cursor == self.cursor:
            return
        if cursor <= self.restored_up_to:
            # A cursor from before a restart cannot be checked: its message may have left the log.
            self._remove_first(self._index_after(cursor))
            self.cursor = cursor
            return
        self._remove_first(self._position(cursor) + 1)
        self.cursor = cursor

    def _position(self, cursor: int) -> int:
        # Searched from the end, since a browser usually acknowledges the whole answer.
        for index in range(self.in_flight - 1, -1, -1):
            found = self.entries[index].id
            if found == cursor:
                return index
            if found < cursor:
                break
        raise Malformed(f"cursor {cursor} was never sent to this client")

    def _remove_first(self, count: int) -> None:
        entries = self.entries
        if count == len(entries):  # as nearly always: without copies
            self._release(entries)
            entries.clear()
        else:
            self._release(entries[:count])
            del entries[:count]
        self.in_flight -= count

    def next_answer(self) -> bytes:
        """Return the answer to a poll: the messages not yet acknowledged, as many as one answer may carry.

        These messages are in flight from now on, and are returned again until they are acknowledged.
        """
        entries = self.entries
        if len(entries) == 1:
            self.in_flight = 1
            entry = entries[0]
            return entry.answer or entry.alone()
        if not entries:
            return encode_answer((), self.cursor)
        batch = self._batch()
        self.in_flight = max(self.in_flight, len(batch))
        return encode_answer([item.encoded for item in batch if not item.lost], batch[-1].id, lost_in(batch))

    def batch_after(self, sent: int) -> list[Waiting]:
        """Return the messages and losses that a stream has to write next.

        A stream writes each message once. Before the browser acknowledges, it writes no more than one answer
        may carry: so the messages of a slow reader stay here, where they are bounded, and not in a socket's
        buffer.

        Args:
            sent: the id of the last message that the stream has written.
        """
        first = self._index_after(sent)
        batch = self.entries if self._fits_one_answer() else self._batch()
        self.in_flight = max(self.in_flight, len(batch))
        return batch[first:]

    def _index_after(self, sent: int) -> int:
        # Searched from the end, since only few messages are newer.
        index = len(self.entries)
        while index and self.entries[index - 1].id > sent:
            index -= 1
        return index

    def _fits_one_answer(self) -> bool:
        return len(self.entries) <= self.bounds.batch and self.size <= self.bounds.batch_size

    def _batch(self) -> list[Waiting]:
        count = end = self._fitting()
        if end < len(self.entries):
            # The batch is cut before a loss, so that the loss travels with the message after it, unless that
            # would leave the batch empty.
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
    """Return how many dropped messages the losses among ``items`` stand for."""
    return sum(item.lost for item in items)
