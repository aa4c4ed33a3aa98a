"""The order of one client's hooks: one runs at a time, the others wait their turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

Step = Callable[[], Awaitable[None]]


class Mailbox:
    """Runs steps one after another, and is done when none is left.

    Args:
        on_empty: called when the last step has ended.
    """

    __slots__ = ("_on_empty", "_steps", "task")

    def __init__(self, on_empty: Callable[[], None]) -> None:
        self._steps: deque[Step] = deque()
        self._on_empty = on_empty
        self.task: asyncio.Task[None] | None = None

    def put(self, step: Step) -> None:
        """Run ``step`` after those before it. A step deals with its own exceptions."""
        self._steps.append(step)
        if self.task is None:
            self.task = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        while self._steps:
            await self._steps.popleft()()
        self.task = None
        self._on_empty()
