"""The work of the leader of one application: the takeover, and then the inbox, the leases and the log."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Protocol, TypeVar

from thywill.application_interface.base import ApplicationInterface
from thywill.core.text import counted
from thywill.hub.actions import Actions
from thywill.queue.shared.base import SharedStore, StoreUnavailable
from thywill.queue.shared.leader_queue import LeaderQueue
from thywill.queue.shared.operations import Expire, Trim
from thywill.queue.shared.pace import Pace
from thywill.queue.shared.pipeline import Pipeline
from thywill.queue.shared.tasks import begin, end

log = logging.getLogger(__name__)

UNFINISHED = 5_000
"""How many steps may be taken from the inbox before their hooks have ended."""
BLOCK = 2.0
"""Seconds for which one read of the inbox waits."""
PAUSE = 0.02
"""Seconds between two checks whether hooks have ended, when there are too many steps."""
EXPIRED = 500
"""How many clients one operation ends."""
Row = TypeVar("Row")

STAYED_AWAY = "its grace time has passed"


class Retention(Protocol):
    """How long, in seconds, and how many messages and bytes the log keeps."""

    @property
    def age(self) -> float: ...

    @property
    def entries(self) -> int: ...

    @property
    def entries_bytes(self) -> int: ...

    @property
    def history_bytes(self) -> int: ...


class Leadership:
    """Leads one application, from ``begin`` until ``stop``; ``took`` has the seconds of the takeover.

    Args:
        queue: has the application's clients, and executes what its hooks do.
        actions: what the application calls.
        store: the store.
        pipeline: executes operations.
        applications: runs the hooks.
        grace: seconds that a client may stay away.
        retention: how long and how many messages the log keeps.
        pace: the times of its repeated work.
    """

    def __init__(
        self,
        queue: LeaderQueue,
        actions: Actions,
        store: SharedStore,
        pipeline: Pipeline,
        applications: ApplicationInterface,
        grace: float,
        retention: Retention,
        pace: Pace,
    ) -> None:
        self.queue = queue
        self.failed = False
        self.took = 0.0
        self._actions = actions
        self._store = store
        self._pipeline = pipeline
        self._applications = applications
        self._grace = grace
        self._retention = retention
        self._pace = pace
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Take the application over, and lead it until ``stop``."""
        self._tasks = [
            begin(self._run()),
            begin(_every(self._pace.expire, self._expire)),
            begin(_every(self._pace.trim, self._trim)),
            begin(_every(self._pace.save, self.queue.save_data)),
        ]

    async def stop(self) -> None:
        """Take no more steps; hooks that run may end."""
        await end(self._tasks)

    async def _run(self) -> None:
        try:
            await self._take_over()
        except asyncio.CancelledError:
            raise
        except Exception:
            log.exception("%s: this server cannot lead it", self.queue.application)
            self.failed = True
            return
        await self._keep_reading_inbox()

    async def _take_over(self) -> None:
        queue, begun = self.queue, time.monotonic()
        rows = await self._with_retries(partial(self._store.roster, queue.application))
        for row in rows:
            queue.add(row)
        await self._applications.actions.people.follow()
        queue.stored = await self._with_retries(partial(self._store.histories, queue.application))
        if not queue.may_begin():
            return
        await self._applications.lead(queue.application, self._actions)
        for row in rows:
            queue.resume(row)
        self.took = time.monotonic() - begun
        log.info(
            "%s: taken over with %s in %.2f s", queue.application, counted(len(rows), "client"), self.took
        )

    async def _keep_reading_inbox(self) -> None:
        queue, last = self.queue, ""
        while True:
            while queue.unfinished >= UNFINISHED:  # noqa: ASYNC110 - hooks end in any turn of the loop
                await asyncio.sleep(PAUSE)
            read = partial(self._store.read_inbox, queue.application, last, BLOCK)
            steps = await self._with_retries(read)
            for step in steps:
                last = step.id
                queue.take(step)
            await asyncio.sleep(0)

    async def _with_retries(self, read: Callable[[], Awaitable[list[Row]]]) -> list[Row]:
        while True:
            try:
                return await read()
            except StoreUnavailable:
                await asyncio.sleep(self._pace.retry)

    def _expire(self) -> None:
        queue = self.queue
        operation = Expire(queue.application, queue.fence, EXPIRED, self._grace, STAYED_AWAY)
        self._pipeline.submit(operation, queue.check)

    def _trim(self) -> None:
        queue, retention = self.queue, self._retention
        bounds = (retention.age, retention.entries, retention.entries_bytes)
        operation = Trim(queue.application, queue.fence, self._grace, *bounds)
        self._pipeline.submit(operation, queue.check)


async def _every(seconds: float, work: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        work()
