"""A clock for the event loop that stands still until a test moves it."""

from __future__ import annotations

import asyncio
import heapq
import math
import time
from collections.abc import Callable
from typing import Any

TURNS = 100_000
"""Turns of the loop after which an application that is still busy fails the test."""
SECOND = 1_000_000
"""The clock counts whole microseconds, so that 20 times 0.05 s is exactly one second."""
START = 1000 * SECOND
"""The time at which a test begins."""
TIME_OFFSET = 1_000_000 * SECOND
"""How far the loop's time lies before the real time, by which timers from outside the test were set: none of
these is due for 11 days. With a longer distance, asyncio's sums of a time and its resolution (a nanosecond)
would be rounded."""
PAUSE = 0.005
"""Seconds for which the loop is stopped while it waits for a thread."""


class Clock:
    """The time of one event loop, from ``hold`` to ``release``: timers and ``asyncio.sleep`` follow it.

    Timers that were set before, such as the test runner's own, wait until the clock is released.

    Args:
        loop: an event loop of asyncio itself; that of uvloop cannot be held.

    Raises:
        TypeError: the loop is another one.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        if not isinstance(loop, asyncio.BaseEventLoop):
            raise TypeError(
                f"the clock of {type(loop).__module__} cannot be held: test on asyncio's own loop"
            )
        self._loop = loop
        self._now = START
        self._deadlines: list[int] = []
        self._real: tuple[Any, Any] | None = None
        self._slow = 0.0

    def now(self) -> float:
        """Return the time, in seconds."""
        return self._now / SECOND

    def hold(self) -> None:
        """Let the loop follow this clock."""
        loop: Any = self._loop
        self._real = loop.time, loop.call_at
        # In debug mode, a step of the loop that begins by one clock and ends by the other seems to take days.
        self._slow, self._loop.slow_callback_duration = self._loop.slow_callback_duration, math.inf
        loop.time, loop.call_at = self._loop_time, self._call_at

    async def release(self) -> None:
        """Let the loop follow the clock that it followed before."""
        loop: Any = self._loop
        assert self._real is not None
        loop.time, loop.call_at = self._real
        await asyncio.sleep(0)
        self._loop.slow_callback_duration = self._slow

    def _loop_time(self) -> float:
        return (self._now - TIME_OFFSET) / SECOND

    def _call_at(
        self, when: float, callback: Callable[..., object], *arguments: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        assert self._real is not None
        deadline = round(when * SECOND) + TIME_OFFSET
        heapq.heappush(self._deadlines, deadline)
        at = (deadline - TIME_OFFSET) / SECOND
        handle: asyncio.TimerHandle = self._real[1](at, callback, *arguments, context=context)
        return handle

    async def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass. Each timer runs at its time, and its effects end before the next timer."""
        end = self._now + round(seconds * SECOND)
        await self.settle()
        while self._deadlines and self._deadlines[0] <= end:
            self._now = max(self._now, heapq.heappop(self._deadlines))
            await self.settle()
        self._now = end
        await self.settle()

    async def settle(self) -> None:
        """Wait until the loop has nothing to do at this time.

        Raises:
            AssertionError: the loop is never idle.
        """
        ready: Any = vars(self._loop)["_ready"]  # asyncio has no public name for it
        for _ in range(TURNS):
            await asyncio.sleep(0)
            if not ready:
                return
        raise AssertionError(f"the application is still busy after {TURNS} turns of the loop")

    async def wait(self, condition: Callable[[], bool], patience: float) -> bool:
        """Wait until ``condition`` holds, without moving the time; return whether it does.

        Args:
            condition: what to wait for.
            patience: real seconds that threads of the application, such as those of ``asyncio.to_thread``,
                may take.
        """
        end = time.monotonic() + patience
        await self.settle()
        while not condition() and time.monotonic() < end:
            _let_threads_work()
            await self.settle()
        return condition()


def _let_threads_work() -> None:
    time.sleep(PAUSE)
