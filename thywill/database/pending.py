"""The clients whose records have to be written."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from thywill.core.record import Recorded


class Pending:
    """A bounded buffer of clients, one entry for each id, the longest waiting first.

    A client that is saved again keeps its place, so that everything saved before some moment is within as
    many entries from the front as there were at that moment.

    Args:
        limit: how many clients may wait; beyond it the longest waiting are dropped.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        # An OrderedDict: taking the first key of a plain dict again and again gets slower each time.
        self._waiting: OrderedDict[str, Recorded] = OrderedDict()
        self._taken: dict[str, Recorded] = {}
        self._dropped = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._taken)

    def add(self, client: Recorded) -> None:
        """Let ``client`` wait, in the place of what waits under its id already."""
        self._waiting[client.id] = client
        self._trim()

    def find(self, client_id: str) -> Recorded | None:
        """Return the client with this id if it is not written yet."""
        return self._waiting.get(client_id, self._taken.get(client_id))

    @contextmanager
    def batch(self, count: int) -> Iterator[list[Recorded]]:
        """Take out up to ``count`` clients for a ``with`` block, which writes them.

        They are still found meanwhile. If the block raises, they wait again, before all others.
        """
        for _ in range(min(count, len(self._waiting))):
            client_id, client = self._waiting.popitem(last=False)
            self._taken[client_id] = client
        try:
            yield list(self._taken.values())
        except BaseException:
            # A client that was saved again meanwhile stays as it is now.
            self._waiting = OrderedDict(self._taken | self._waiting)
            raise
        finally:
            self._taken = {}
            self._trim()

    def take_dropped(self) -> int:
        """Return how many were dropped since this was called last."""
        dropped, self._dropped = self._dropped, 0
        return dropped

    def _trim(self) -> None:
        while len(self._waiting) > self._limit:
            self._waiting.popitem(last=False)
            self._dropped += 1
