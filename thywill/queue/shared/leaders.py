"""Leaders: elects this server for applications that nobody leads, and lets it lead them.

    every 2 s   elect         the leader keeps its lease of 6 s; the others learn who leads
    elected     take over     on_start, the roster, on_resume for each client, the unfinished steps again
    deposed     give up       hooks are cancelled and nothing is written; then on_stop

A leader that cannot reach the store for the time of its lease gives up by itself: another one may lead.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from thywill.application_interface.base import ApplicationInterface
from thywill.component import Component
from thywill.database.base import Database
from thywill.hub.actions import Actions
from thywill.hub.leases import Timing
from thywill.hub.rates import ClientLimits, ClientRates
from thywill.queue.shared.base import SharedStore, StoreUnavailable
from thywill.queue.shared.leadership import Keeping, Leadership
from thywill.queue.shared.leading import Leading
from thywill.queue.shared.pace import Pace
from thywill.queue.shared.pipeline import Pipeline
from thywill.queue.shared.tasks import end

log = logging.getLogger(__name__)


class Leaders(Component):
    """The applications that this server leads. ``takeovers`` counts how often it has become a leader.

    Args:
        store, pipeline: the store, and what executes operations.
        applications: runs the hooks.
        database: keeps the records of clients.
        timing: the times of a client's life.
        keeping: how long and how many messages the log keeps.
        name: returns the name of this server.
        pace: how often it looks for what.
        wall, monotonic: the two clocks; deadlines use the second.
    """

    def __init__(
        self,
        store: SharedStore,
        pipeline: Pipeline,
        applications: ApplicationInterface,
        database: Database,
        timing: Timing,
        keeping: Keeping,
        name: Callable[[], str],
        pace: Pace,
        wall: Callable[[], float],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.applications = applications
        self.takeovers = 0
        self._store = store
        self._pipeline = pipeline
        self._database = database
        self._timing = timing
        self._keeping = keeping
        self._name = name
        self._pace = pace
        self._wall = wall
        self._monotonic = monotonic
        self._led: dict[str, Leadership] = {}
        self._campaigns: list[asyncio.Task[None]] = []

    @property
    def leads(self) -> Sequence[str]:
        """The names of the applications that this server leads."""
        return tuple(self._led)

    async def start(self) -> None:
        """Stand for election for each application."""
        for name in self.applications.pages():
            self._campaigns.append(asyncio.create_task(self._campaign(name)))

    async def stop(self) -> None:
        """Take no more steps out of the inboxes. The lead is kept until the hooks have ended: ``resign``."""
        for leadership in self._led.values():
            await leadership.rest()

    async def resign(self) -> None:
        """Lead no longer, so that others are elected at once."""
        await end(self._campaigns)
        for name, leadership in list(self._led.items()):
            leadership.leading.end()
            with suppress(StoreUnavailable):
                await self._store.resign(name, leadership.leading.fence)
        self._led.clear()

    async def _campaign(self, name: str) -> None:
        until = 0.0
        while True:
            asked = self._monotonic()
            try:
                election = await self._store.elect(name, self._name(), self._pace.lease)
            except StoreUnavailable:
                if name in self._led and self._monotonic() > until:
                    log.warning("%s: the shared store is away, so that another server may lead it", name)
                    await self._give_up(name)
            else:
                until = asked + self._pace.lease
                await self._elected(name, election.fence if election.mine else None)
            await asyncio.sleep(self._pace.elect)

    async def _elected(self, name: str, fence: int | None) -> None:
        led = self._led.get(name)
        if led is not None and (led.leading.fence != fence or led.leading.over or led.failed):
            await self._give_up(name)
            led = None
        if led is None and fence is not None:
            self._take_over(name, fence)

    def _take_over(self, name: str, fence: int) -> None:
        leading = Leading(
            name,
            fence,
            self._pipeline,
            self.applications,
            self._database,
            self._name(),
            lambda: log.warning("%s: another server leads it now", name),
            self._keeping.history_bytes,
            self._wall,
        )
        rates = partial(ClientRates, ClientLimits(), Counter())
        actions = Actions(
            leading.audience, leading, self.applications.actions.people, leading.evict, rates, self._monotonic
        )
        leadership = Leadership(
            leading,
            actions,
            self._store,
            self._pipeline,
            self.applications,
            self._timing.grace,
            self._keeping,
            self._pace,
        )
        self._led[name] = leadership
        self.takeovers += 1
        log.info("%s: this server leads it", name)
        leadership.begin()

    async def _give_up(self, name: str) -> None:
        leadership = self._led.pop(name)
        leadership.leading.end()
        await leadership.rest()
        await self.applications.abandon(name)
