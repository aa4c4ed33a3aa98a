"""The order of one client's hooks: one runs at a time, and the others wait for their turn."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable

from thywill.hub.client import LiveClient
from thywill.hub.hub import Hub
from thywill.hub.step import CURRENT, Step

log = logging.getLogger(__name__)

Hook = Callable[[], Awaitable[None]]


class Mailbox:
    """Runs the steps of one client one after another, until none is left.

    What a hook sends has its step as the cause (``thywill.hub.step``). When the hook has ended, the step is
    reported to the hub as handled; not so if its task was cancelled, and then the durable queue repeats it.

    ``running`` is the name of the hook that is running, for the log.

    Args:
        client: the client.
        hub: gets each step that was handled.
        on_empty: called when the last step has ended.
    """

    __slots__ = ("_client", "_hub", "_on_empty", "_steps", "running", "task")

    def __init__(self, client: LiveClient, hub: Hub, on_empty: Callable[[LiveClient], None]) -> None:
        self._client = client
        self._hub = hub
        self._on_empty = on_empty
        self._steps: deque[tuple[int, str, Hook]] = deque()
        self.running = ""
        self.task: asyncio.Task[None] | None = None

    def put(self, number: int, name: str, hook: Hook) -> None:
        """Run ``hook`` as the step ``number`` when all earlier ones have ended; ``name`` is for the log."""
        self._steps.append((number, name, hook))
        if self.task is None:
            self.task = asyncio.get_running_loop().create_task(self._run())

    def __str__(self) -> str:
        return f"{self._client.application}.{self.running} for {self._client}"

    async def _run(self) -> None:
        while True:
            number, self.running, hook = self._steps.popleft()
            step = Step(self._client.id, number)
            CURRENT.set(step)
            try:
                await hook()
            except asyncio.CancelledError:
                if is_cancelled():
                    raise
                log.exception("the hook %s was cancelled by something that it waited for", self)
            except Exception:
                log.exception("the hook %s failed outside of its guard", self)
            step.open = False
            self._hub.handled(self._client, number)
            if not self._steps:
                break
            # Most hooks never wait, and a page may have sent hundreds of messages: others get their turn.
            await asyncio.sleep(0)
        self.task = None
        self._on_empty(self._client)


def is_cancelled() -> bool:
    """Return whether the current task itself is being cancelled, and not only what it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
