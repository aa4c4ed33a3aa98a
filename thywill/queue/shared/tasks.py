"""Begins tasks that go on until the server stops, and ends them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Iterable
from typing import Any

log = logging.getLogger(__name__)

CANCEL_AGAIN_AFTER = 0.5
"""Seconds until a task is cancelled once more: ``wait_for`` of Python 3.11 may lose a cancellation."""


def begin(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    """Begin a task; if it ends by an exception, log that at once: nobody awaits it."""
    task = asyncio.get_running_loop().create_task(work)
    task.add_done_callback(_log_failure)
    return task


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        name = getattr(task.get_coro(), "__qualname__", "a task")
        log.error("%s has ended: restart this server", name, exc_info=error)


async def end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel ``tasks``, and wait until they have ended."""
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_AFTER)
