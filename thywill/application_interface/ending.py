"""Ends hooks: waits for their tasks, cancels hooks that take too long, and names them in the log."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

log = logging.getLogger(__name__)

NAME_AFTER = 1.0
"""Seconds after which a server that stops logs the names of hooks that still run."""
CANCEL_SECONDS = 1.0
"""Seconds that a cancelled hook may take to end."""
NAMES = 5
"""How many hooks one log line names."""


async def await_ends(running: Mapping[str, asyncio.Task[None]], seconds: float) -> None:
    """Wait for hooks, and cancel those that have not ended in time.

    Args:
        running: the tasks of the hooks, by names for the log.
        seconds: the longest wait.
    """
    if not await _ended(running, min(NAME_AFTER, seconds)):
        log.warning("the stop waits for hooks, %g s at most: %s", seconds, _names(running))
        await _ended(running, seconds - NAME_AFTER)
    await cancel(running)


async def cancel(running: Mapping[str, asyncio.Task[None]]) -> None:
    """Cancel hooks, and wait for their ends, at most ``CANCEL_SECONDS``."""
    for task in running.values():
        task.cancel()
    if not await _ended(running, CANCEL_SECONDS):
        log.error("hooks were cancelled and still run; they are abandoned: %s", _names(running))


def is_cancelled() -> bool:
    """Return whether the current task itself is being cancelled, and not only what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _ended(running: Mapping[str, asyncio.Task[None]], seconds: float) -> bool:
    """Wait for the tasks, at most ``seconds``; return whether all have ended."""
    tasks = [task for task in running.values() if not task.done()]
    if not tasks:
        return True
    _, late = await asyncio.wait(tasks, timeout=max(seconds, 0.0))
    return not late


def _names(running: Mapping[str, asyncio.Task[None]]) -> str:
    names = [name for name, task in running.items() if not task.done()]
    more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
    return ", ".join(names[:NAMES]) + more
