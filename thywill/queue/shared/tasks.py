"""Cancels tasks, and waits until they have ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

CANCEL_AGAIN_AFTER = 0.5
"""Seconds until a task is cancelled once more: ``wait_for`` of Python 3.11 may lose a cancellation."""


async def end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel ``tasks``, and wait until they have ended."""
    left = {task for task in tasks if not task.done()}
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=CANCEL_AGAIN_AFTER)
