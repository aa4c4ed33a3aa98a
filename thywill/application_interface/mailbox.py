"""The order of one client's hooks: one runs at a time, the others wait their turn."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

log = logging.getLogger(__name__)

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
        """Run ``step`` after those before it."""
        self._steps.append(step)
        if self.task is None:
            self.task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        await self._do(self._steps.popleft())
        while self._steps:
            # Most hooks never wait, and a page may have sent hundreds of messages: others have their turn.
            await asyncio.sleep(0)
            await self._do(self._steps.popleft())
        self.task = None
        self._on_empty()

    async def _do(self, step: Step) -> None:
        try:
            await step()
        except asyncio.CancelledError:
            if is_cancelled():
                raise
            log.exception("a hook was cancelled by something that it waited for")
        except Exception:
            log.exception("a hook failed outside of its guard")


def is_cancelled() -> bool:
    """Tell whether the current task itself is being cancelled, and not only something that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
