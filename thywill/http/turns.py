"""Fair shares of the event loop: heavy work waits here, and the addresses take turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class Turns:
    """Runs one waiting call in each turn of the loop; addresses take turns.

    Requests for Tornado's handlers wait here, as do requests with a large body and connections that have used
    up their share. So an address with a hundred connections gets no more turns than one with a single
    connection.

    Each turn runs one call, not a slice of time, because a Tornado handler does most of its work in the turn
    after its start: twenty pages that were begun in one turn would all be built in the next.

    Args:
        call_soon: runs a function in the next turn of the loop.
    """

    def __init__(self, call_soon: Callable[[Callable[[], None]], object]) -> None:
        self._call_soon = call_soon
        self._queues: dict[str, deque[Callable[[], None]]] = {}
        self._is_scheduled = False

    def wait(self, share: str, call: Callable[[], None]) -> None:
        """Run ``call`` when it is the turn of ``share``, an address (``thywill.core.address.share_of``)."""
        self._queues.setdefault(share, deque()).append(call)
        self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._call_soon(self._run)

    def _run(self) -> None:
        self._is_scheduled = False
        try:
            self._next()()
        finally:
            if self._queues:
                self._schedule()

    def _next(self) -> Callable[[], None]:
        share = next(iter(self._queues))
        queue = self._queues.pop(share)
        call = queue.popleft()
        if queue:
            self._queues[share] = queue  # at the end of the rotation
        return call
