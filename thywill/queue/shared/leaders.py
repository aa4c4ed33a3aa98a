"""Leaders: stands for election for every application, and leads those for which this server is elected.

    every 1 s   elect         the leader keeps its lease of 5 s; the others learn who leads
    elected     take over     on_start, the roster, on_resume for each client, the unfinished steps again
    deposed     step down     hooks are cancelled and nothing is written; then on_stop

A leader that cannot reach the store until its lease ends steps down by itself, since another server may lead
by then. The time of the lease counts from before each request, and is measured by the server's own clock.

Different applications should have different leaders. So a server that leads some applications waits a moment
before it takes another free lead, and each server looks for free leads in another order. A leader never hands
its lead over, since the application would lose what it holds in memory.
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

from thywill.application_interface.base import ApplicationInterface
from thywill.component import Component
from thywill.core.measures import Measures
from thywill.database.base import Database
from thywill.hub.actions import Actions
from thywill.hub.leases import Timing
from thywill.hub.rates import ClientLimits, ClientRates
from thywill.queue.shared.base import SharedStore, StoreUnavailable
from thywill.queue.shared.leader_queue import LeaderQueue
from thywill.queue.shared.leadership import Leadership, Retention
from thywill.queue.shared.pace import MAX_LEAD_DELAY, Pace
from thywill.queue.shared.pipeline import Pipeline
from thywill.queue.shared.rows import Election, Posted
from thywill.queue.shared.tasks import begin, end

log = logging.getLogger(__name__)


NEW, NEW_FACTOR = 5.0, 2.5
"""During so many seconds after its start, a server waits longer by this factor before it takes another lead:
the other servers of the same machine or deployment may need a second more to start."""


class Leaders(Component):
    """The applications that this server leads. ``takeovers`` counts how often it has become a leader.

    Args:
        store: the store.
        pipeline: executes operations.
        applications: runs the hooks.
        database: stores the records of clients.
        timing: the times of a client's life.
        retention: how long and how many messages the log keeps.
        name: returns the name of this server.
        pace: the times of its repeated work.
        wall, monotonic: the two clocks; deadlines use the second.
    """

    def __init__(
        self,
        store: SharedStore,
        pipeline: Pipeline,
        applications: ApplicationInterface,
        database: Database,
        timing: Timing,
        retention: Retention,
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
        self._retention = retention
        self._name = name
        self._pace = pace
        self._wall = wall
        self._monotonic = monotonic
        self._led: dict[str, Leadership] = {}
        self._standing = 0
        self._is_stopping = False
        self._began = 0.0
        self._campaigns: list[asyncio.Task[None]] = []
        self._wakes: dict[str, asyncio.Event] = {}

    def measure(self, measures: Measures) -> None:
        text = "How often this server has become the leader of an application."
        measures.counter("thywill_takeovers_total", text, self.takeovers)
        text = "Seconds from the last election of this server until the application's hooks could run."
        slowest = max((each.took for each in self._led.values()), default=0.0)
        measures.gauge("thywill_takeover_seconds", text, slowest)
        text = "1 for each application that this server leads."
        for name in self._led:
            measures.gauge("thywill_leads", text, 1, application=name)

    def posted(self, entry: Posted) -> None:
        """Note a message that this server has read in the log."""
        if (leadership := self._led.get(entry.application)) is not None:
            leadership.queue.posted(entry)

    @property
    def leads(self) -> Sequence[str]:
        """The names of the applications that this server leads."""
        return tuple(self._led)

    async def start(self) -> None:
        """Stand for election for each application."""
        self._began = self._monotonic()
        names = list(self.applications.pages())
        random.shuffle(names)
        for name in names:
            self._campaigns.append(begin(self._campaign(name)))

    async def stop(self) -> None:
        """Take no more steps from the inboxes; this server leads until ``resign``, as hooks may still run."""
        self._is_stopping = True
        for leadership in list(self._led.values()):
            await leadership.stop()

    async def resign(self) -> None:
        """End all leads, so that other servers are elected at once."""
        await end(self._campaigns)
        for name, leadership in list(self._led.items()):
            leadership.queue.end()
            with suppress(StoreUnavailable):
                await self._store.resign(name, leadership.queue.fence)
        self._led.clear()

    async def _campaign(self, name: str) -> None:
        wake = self._wakes[name] = asyncio.Event()
        while True:
            await self._try_to_lead(name)
            with suppress(TimeoutError):
                async with asyncio.timeout(min(self._pace.elect, self._left(name))):
                    await wake.wait()
            wake.clear()

    def _left(self, name: str) -> float:
        """Return how many seconds of this server's lease are left; infinite if it does not lead."""
        led = self._led.get(name)
        return math.inf if led is None else max(0.0, led.queue.until - self._monotonic())

    async def _try_to_lead(self, name: str) -> None:
        """Stand for election once. A server that stops only renews the leads that it has."""
        if self._is_stopping and name not in self._led:
            return
        await self._step_down_if_over(name)
        asked, left = self._monotonic(), self._left(name)
        try:
            async with asyncio.timeout(None if left == math.inf else left):
                election = await self._elect(name)
        except (StoreUnavailable, TimeoutError):
            await self._step_down_if_over(name)
        else:
            await self._elected(name, election.fence if election.mine else None, asked + self._pace.lease)

    async def _elect(self, name: str) -> Election:
        led = self._led.get(name)
        fence = 0 if led is None or led.queue.over or led.failed else led.queue.fence
        elect = partial(self._store.elect, name, self._name(), self._pace.lease, fence=fence)
        election = await elect(stands=name in self._led)
        if election.leader:
            return election
        self._standing += 1
        try:
            others = len(self._led) + self._standing - 1
            is_new = self._monotonic() < self._began + NEW
            patience = min(self._pace.lead_delay * others, MAX_LEAD_DELAY) * (NEW_FACTOR if is_new else 1.0)
            await asyncio.sleep(patience)
            return await elect()
        finally:
            self._standing -= 1

    async def _step_down_if_over(self, name: str) -> None:
        led = self._led.get(name)
        if led is not None and not led.queue.may_begin():
            await self._step_down(name)

    async def _elected(self, name: str, fence: int | None, until: float) -> None:
        led = self._led.get(name)
        if led is not None and (led.queue.fence != fence or led.queue.over or led.failed):
            was_used = led.queue.fence == fence
            await self._step_down(name)
            if was_used:
                return  # the next election gives another fence
            led = None
        if led is None and fence is not None:
            if self._is_stopping:  # the election had begun before the stop
                with suppress(StoreUnavailable):
                    await self._store.resign(name, fence)
                return
            led = self._take_over(name, fence)
        if led is not None:
            led.queue.until = until

    def _deposed(self, name: str, reason: str) -> None:
        log.warning("%s: %s", name, reason)
        self._wakes[name].set()

    def _take_over(self, name: str, fence: int) -> Leadership:
        queue = LeaderQueue(
            name,
            fence,
            self._pipeline,
            self.applications,
            self._database,
            self._name(),
            partial(self._deposed, name),
            self._retention.history_bytes,
            self._wall,
            lambda: self._monotonic(),
        )
        rates = partial(ClientRates, ClientLimits(), Counter())
        own = self.applications.actions
        actions = Actions(queue.audience, queue, own.people, queue.evict, rates, self._monotonic, own.totals)
        leadership = Leadership(
            queue,
            actions,
            self._store,
            self._pipeline,
            self.applications,
            self._timing.grace,
            self._retention,
            self._pace,
        )
        self._led[name] = leadership
        self.takeovers += 1
        log.info("%s: this server leads it", name)
        leadership.begin()
        return leadership

    async def _step_down(self, name: str) -> None:
        leadership = self._led.pop(name)
        leadership.queue.end()
        await leadership.stop()
        await self.applications.abandon(name)
