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
    """Runs the steps of one client one after another, and is done when none is left.

    Each step is run as ``thywill.hub.step`` wants it: what its hook sends belongs to it, and the hub is told
    when it has come to its end. A step whose task is cancelled does not: a durable queue repeats it.

    Args:
        client: whose steps they are.
        hub: is told of each step that was handled.
        on_empty: called when the last step has ended.

    ``running`` is the name of the hook that runs, for people.
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
        """Run ``hook``, called ``name``, as the step ``number`` after those before it."""
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
            # Most hooks never wait, and a page may have sent hundreds of messages: others have their turn.
            await asyncio.sleep(0)
        self.task = None
        self._on_empty(self._client)


def is_cancelled() -> bool:
    """Tell whether the current task itself is being cancelled, and not only something that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
