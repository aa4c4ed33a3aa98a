"""Calls that run beside the other hooks of their client (``@rpc(concurrent=True)``).

A call begins in its turn among the client's steps, but the next step does not wait for its end. The queue
remembers one number for each client, up to which all steps have ended. So the end of a step is not reported
while an earlier call still runs. For example, with step 4 a concurrent call:

    4 begins, 5 and 6 end    nothing is reported
    4 ends                   4, 5 and 6 are reported as handled
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable

from thywill.hub.client import LiveClient
from thywill.hub.step import CURRENT, Step

log = logging.getLogger(__name__)


class ConcurrentCalls:
    """The concurrent calls of one client, and the ended steps that are not reported because of them.

    ``running`` has the tasks of the calls by the number of their step.

    Args:
        client: the client.
        handled: called with the number of each step that is reported as handled, in order.
        on_idle: called when the last call has ended.
    """

    def __init__(
        self, client: LiveClient, handled: Callable[[int], None], on_idle: Callable[[], None]
    ) -> None:
        self._client = client
        self._handled = handled
        self._on_idle = on_idle
        self._unreported: set[int] = set()
        self.running: dict[int, asyncio.Task[None]] = {}

    def start(self, number: int, name: str, hook: Callable[[], Awaitable[None]]) -> None:
        """Run ``hook`` as the step ``number``; ``name`` is for the log."""
        loop = asyncio.get_running_loop()
        self.running[number] = loop.create_task(self._run(number, name, hook), name=name)

    def step_ended(self, number: int) -> None:
        """A step has ended its turn. The step of a concurrent call ends later, with the call itself."""
        if number not in self.running:
            self._report(number)

    async def all_ended(self) -> None:
        """Wait until no call is running."""
        while self.running:
            await asyncio.wait(list(self.running.values()))

    async def _run(self, number: int, name: str, hook: Callable[[], Awaitable[None]]) -> None:
        step = Step(self._client.id, number)
        CURRENT.set(step)
        try:
            await hook()
        except Exception:
            log.exception("the call %s of %s failed outside of the application's code", name, self._client)
        step.open = False
        del self.running[number]
        self._report(number)
        if not self.running:
            self._on_idle()

    def _report(self, number: int) -> None:
        self._unreported.add(number)
        before = min(self.running, default=math.inf)
        for each in sorted(self._unreported):
            if each < before:
                self._unreported.discard(each)
                self._handled(each)
