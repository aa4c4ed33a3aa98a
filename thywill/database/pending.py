"""The buffer of clients whose records have to be written."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from thywill.core.record import Recorded


class Pending:
    """A bounded buffer of clients, one entry for each id; the client that has waited longest is first.

    A client that is saved again stays at its place. So if n clients wait now, writing the first n entries
    stores everything that was saved before now.

    Args:
        limit: how many clients may wait; beyond it, those that have waited longest are dropped.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # An OrderedDict, because removing the first key of a plain dict gets slower each time.
        self._waiting: OrderedDict[str, Recorded] = OrderedDict()
        self._taken: dict[str, Recorded] = {}
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._taken)

    def add(self, client: Recorded) -> None:
        """Add ``client``; an entry with the same id is replaced at its place."""
        self._waiting[client.id] = client
        self._trim()

    def find(self, client_id: str) -> Recorded | None:
        """Return the client with this id if it has not been written yet."""
        return self._waiting.get(client_id, self._taken.get(client_id))

    @contextmanager
    def batch(self, count: int) -> Iterator[list[Recorded]]:
        """Remove up to ``count`` clients for a ``with`` block that writes them.

        ``find`` still returns them meanwhile. If the block raises, they return to the front of the buffer.
        """
        for _ in range(min(count, len(self._waiting))):
            client_id, client = self._waiting.popitem(last=False)
            self._taken[client_id] = client
        try:
            yield list(self._taken.values())
        except BaseException:
            # A client that was saved again meanwhile keeps its newer entry.
            self._waiting = OrderedDict(self._taken | self._waiting)
            raise
        finally:
            self._taken = {}
            self._trim()

    def take_dropped(self) -> int:
        """Return how many clients were dropped since the last call."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def _trim(self) -> None:
        while len(self._waiting) > self._limit:
            self._waiting.popitem(last=False)
            self._dropped += 1
