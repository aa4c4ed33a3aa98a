"""Runs calculations in slices, so that none of them holds the server.

A server has one loop, and a hook that calculates for a second stops everybody for a second. So a calculation
is a generator that runs for a few milliseconds at a time. All calculations take turns, and between two slices
the loop has as much time for everything else:

    loop  | slice of A | messages, polls … | slice of B | messages, polls … | slice of A | …
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

from apps.calculations.sums import Step, Steps

SLICE = 0.004
"""For how many seconds a calculation runs at a time."""
PAUSE = 0.004
"""Seconds between two slices, of any calculations."""


class Slices:
    """The turns of all calculations.

    Args:
        clock: returns seconds that only grow.
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._turn = asyncio.Lock()

    async def run(self, steps: Steps, result: dict[str, Any]) -> AsyncIterator[Step]:
        """Run a calculation in slices; yield its steps.

        Args:
            steps: the generator; its None are not yielded.
            result: a dict that gets the result of the generator at the end.
        """
        try:
            while True:
                # The lock is fair: the calculation that has waited the longest is next.
                async with self._turn:
                    slice_, is_over = self._slice(steps, result)
                    await asyncio.sleep(PAUSE)
                for each in slice_:
                    yield each
                if is_over:
                    return
        finally:
            steps.close()

    def _slice(self, steps: Steps, result: dict[str, Any]) -> tuple[list[Step], bool]:
        end = self._clock() + SLICE
        found: list[Step] = []
        while self._clock() < end:
            try:
                step = next(steps)
            except StopIteration as stop:
                result.update(stop.value)
                return found, True
            if step is not None:
                found.append(step)
        return found, False
