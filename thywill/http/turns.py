"""Fair shares of the event loop: who has to wait for a turn, waits here."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

SHARE = 8
"""Requests of one connection that are answered in a row; then it waits for its next turn."""
SLICE = 0.005
"""Seconds of one turn of the loop for all who wait here; what remains belongs to everybody else."""


class Turns:
    """Calls of those who wait, a slice of them in each turn of the loop, the addresses in rotation.

    An address with a hundred connections is called as often as one with a single connection.

    Args:
        call_soon: has a function called in the next turn of the loop.
        now: seconds by a monotonic clock.
    """

    def __init__(self, call_soon: Callable[[Callable[[], None]], object], now: Callable[[], float]) -> None:
        self._call_soon = call_soon
        self._now = now
        self._queues: dict[str, deque[Callable[[], None]]] = {}
        self._is_scheduled = False

    def wait(self, share: str, call: Callable[[], None]) -> None:
        """Have ``call`` called when it is the turn of ``share``, an address."""
        self._queues.setdefault(share, deque()).append(call)
        self._schedule()

    def _schedule(self) -> None:
        if not self._is_scheduled:
            self._is_scheduled = True
            self._call_soon(self._run)

    def _run(self) -> None:
        self._is_scheduled = False
        end = self._now() + SLICE
        try:
            while self._queues:
                self._next()()
                if self._now() >= end:
                    break
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
