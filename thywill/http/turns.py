"""Fair shares of the event loop: work that has to wait for its turn waits here, by address."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

SHARE = 8
"""How many requests of one connection are answered in a row before it waits for its next turn."""
SLICE = 0.005
"""Seconds of each turn of the loop for the calls that wait here; the rest is for everybody else."""


class Turns:
    """Runs waiting calls, some in each turn of the loop, and the addresses in rotation.

    So an address with a hundred connections gets no more turns than one with a single connection.

    Args:
        call_soon: runs a function in the next turn of the loop.
        now: a monotonic clock, in seconds.
    """

    def __init__(self, call_soon: Callable[[Callable[[], None]], object], now: Callable[[], float]) -> None:
        self._call_soon = call_soon
        self._now = now
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
