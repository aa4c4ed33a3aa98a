"""A queue that several servers share: what every server has, whether it leads an application or not.

    first poll   ── Greet ──▶ inbox                   the leader runs on_connect
    send         ── Accept ─▶ inbox                   the leader runs on_message
    leave        ── Depart ─▶ inbox and log           the leader runs on_disconnect
    log ─▶ reader ─▶ messages, memberships, ends      applied to the clients that are here
    poll of a client of another server ── Claim ─▶    rebuilt here, and forgotten there

The hooks of an application run on one server, its leader (``leaders.py``). So a browser's requests never call
a hook directly: they go through the inbox to the leader, and the results of hooks come back through the log.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, ClassVar

import msgspec

from thywill.application_interface.base import ApplicationInterface
from thywill.component import Component
from thywill.core.envelope import Item
from thywill.core.lifecycle import State
from thywill.core.measures import Measures
from thywill.core.message import Address, Message
from thywill.core.outbox import Outbox
from thywill.core.publication import Publication
from thywill.core.server_row import ServerRow
from thywill.core.text import counted
from thywill.database.base import Database
from thywill.errors import Gone, RequestError, Reused, SettingsError, Unavailable
from thywill.hub.client import LiveClient
from thywill.hub.delivery import Delivery
from thywill.hub.ports import Listener, Then
from thywill.queue.base import Answers, KnownClient, Queue, QueueSettings
from thywill.queue.shared.base import SharedStore, StoreUnavailable
from thywill.queue.shared.claims import RETRY_DELAYS, Claims
from thywill.queue.shared.forms import facts_of, incoming, known_client
from thywill.queue.shared.histories import kept_of
from thywill.queue.shared.hub import NoHooks, Received, SharedClients, SharedHub
from thywill.queue.shared.leaders import Leaders
from thywill.queue.shared.losses import Losses
from thywill.queue.shared.names import UNKNOWN, application_of, check_names
from thywill.queue.shared.operations import (
    Accept,
    Append,
    Cause,
    Create,
    Depart,
    Evict,
    Greet,
    Kept,
    Outcome,
    Publish,
    Renew,
    Renewed,
    SaveFacts,
    Unknown,
)
from thywill.queue.shared.outcomes import appended, report_accepted
from thywill.queue.shared.pace import Pace
from thywill.queue.shared.pipeline import Pipeline
from thywill.queue.shared.questions import Questions
from thywill.queue.shared.reader import LogReader
from thywill.queue.shared.relay import StoreRelay
from thywill.queue.shared.rows import (
    Departure,
    Heartbeat,
    LogEntry,
    Membership,
    Posted,
    Rewound,
    Trimming,
)
from thywill.queue.shared.tasks import begin, end

log = logging.getLogger(__name__)

Seconds = Annotated[float, msgspec.Meta(gt=0)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
LEFT = "the page has left"
UNPOLLED = 60.0
"""Seconds for which the store keeps a client that has not polled."""
RENEWALS = 3
"""How often the lease of a client is renewed during its grace time."""
RENEWED_AT_ONCE = 500
"""How many clients one ``Renew`` has."""
COLLECTED_FOR = 0.02
"""Seconds for which claimed clients are collected, so that they are checked and let go of together."""


@dataclass(frozen=True, slots=True)
class SharedQueueSettings(QueueSettings):
    """The settings of every shared queue.

    Args:
        age: seconds after which a message is dropped even if a receiver has not acknowledged it.
        entries, entries_bytes: how many messages the log of one application may keep, and their bytes.
    """

    age: Seconds = 3600.0
    entries: Positive = 1_000_000
    entries_bytes: Positive = 256 * 1024 * 1024

    @property
    def publication_age(self) -> float:
        return self.age


class SharedQueue(Queue, SharedClients):
    """The queue of one server of a cluster.

    Args:
        settings, database, receivers, wall: as in ``Queue``.
        store: the store.
        pace: the times of repeated work.
    """

    Settings: ClassVar[type[Any]] = SharedQueueSettings
    settings: SharedQueueSettings
    hub = SharedHub
    relay: StoreRelay
    shared = True
    durable = True
    ends_clients = True

    def __init__(
        self,
        settings: SharedQueueSettings,
        database: Database,
        receivers: Delivery,
        *,
        store: SharedStore,
        wall: Callable[[], float] = time.time,
        pace: Pace | None = None,
    ) -> None:
        super().__init__(settings, database, receivers, wall=wall)
        self.store = store
        self._pace = pace or Pace()
        self.pipeline = Pipeline(store, self._pace.retry)
        self.reader: LogReader
        self.claims: Claims
        self.questions: Questions
        self.leaders: Leaders
        self.relay = StoreRelay(store, lambda: self.name, self._heartbeat, self._pace.alive)
        self._moves = receivers.moves
        self._tasks: list[asyncio.Task[None]] = []
        self._outside: dict[str, int] = defaultdict(int)
        self._unknown: set[str] = set()
        self._elsewhere: list[str] = []
        self._hurry = asyncio.Event()

    # The life of the queue.

    def listener(self, applications: Listener) -> Listener:
        assert isinstance(applications, ApplicationInterface)
        self.leaders = Leaders(
            self.store,
            self.pipeline,
            applications,
            self.database,
            self._moves.timing,
            self.settings,
            lambda: self.name,
            self._pace,
            self.wall,
        )
        return NoHooks()

    def late_parts(self) -> list[Component]:
        return [self.leaders]

    @property
    def name(self) -> str:
        """The name of this server."""
        return self.describe_server().name

    @property
    def lease(self) -> float:
        """How many seconds a client's lease lasts after each renewal."""
        grace = self._moves.timing.grace
        return grace + grace / RENEWALS

    async def start(self) -> None:
        names = list(self.leaders.applications.pages())
        check_names(names)
        self.reader = LogReader(
            self.store, names, self._apply, retry=self._pace.retry, size=self.settings.log_bytes
        )
        self.receivers.discarded = Losses(self.pipeline, self.name).discarded
        self.claims = Claims(
            self.store, self.pipeline, self.reader, self._moves, self.bounds, self.logs, self.name, self.lease
        )
        self.questions = Questions(self.store, self.name, self.answer_server, self.relay.received)
        self.store.listen(self._claimed, self.questions.received)
        try:
            await self.store.start(self._heartbeat())
            await self.relay.report()
            await self.reader.start()
        except StoreUnavailable as error:
            raise SettingsError(f"[queue]: the shared store cannot be used: {error}") from None
        self.pipeline.start()
        self.relay.start()
        self._tasks = [
            begin(self._keep_sending_heartbeats()),
            begin(self._keep_renewing()),
        ]

    async def stop(self) -> None:
        """Execute the remaining operations, end all leads, and leave the list of servers."""
        await end(self._tasks)
        if self._tasks:
            await self.questions.stop()
            await self.relay.stop()
        await self.pipeline.stop()
        await self.leaders.resign()
        if self._tasks:
            await self.reader.stop()
        with suppress(StoreUnavailable):
            await self.store.stop()

    def _heartbeat(self) -> Heartbeat:
        return Heartbeat(self._row(), tuple(self.leaders.applications.pages()), self._moves.fingerprint())

    def _row(self) -> ServerRow:
        row = self.describe_server()
        return replace(row, leads=tuple(self.leaders.leads), behind=round(self.reader.behind, 4))

    async def _keep_sending_heartbeats(self) -> None:
        while True:
            await asyncio.sleep(self._pace.heartbeat)
            with suppress(StoreUnavailable):
                await self.reader.read_newest()
                await self.relay.report()

    async def servers(self) -> Sequence[ServerRow]:
        with suppress(StoreUnavailable):
            return [each.row for each in await self.store.servers()]
        return [self._row()]

    async def ask_servers(self, question: bytes) -> Answers:
        return await self.questions.ask(question)

    async def stored_client(self, client_id: str) -> KnownClient | None:
        try:
            row = await self.store.client(application_of(client_id), client_id)
        except Gone:
            return None
        except StoreUnavailable as error:
            raise Unavailable(str(error), retry=1) from None
        return None if row is None or row.gone is not None else known_client(row)

    def end_client(self, client_id: str, reason: str) -> None:
        operation = Evict(application_of(client_id), None, client_id, reason, None)
        self.pipeline.submit(operation, keep=True)

    async def warnings(self) -> Sequence[str]:
        return await self.store.warnings()

    async def problem(self) -> str | None:
        return await self.store.problem()

    def measure(self, measures: Measures) -> None:
        super().measure(measures)
        self.reader.measure(measures)
        self.pipeline.measure(measures)
        self.claims.measure(measures)
        self.leaders.measure(measures)

    # The log.

    def _apply(self, entry: LogEntry) -> None:
        if isinstance(entry, Posted):
            self.leaders.posted(entry)
            logs = self.logs[entry.application]
            self.receivers.deliver(entry.application, entry.address, entry.id, entry.message, logs)
            return
        if isinstance(entry, Trimming):
            self.receivers.drop_up_to(entry.application, entry.up_to)
            self._hurry.set()
            return
        if isinstance(entry, Rewound):
            self._rewind(entry)
            return
        client = self._moves.find(entry.client)
        if client is None:
            return
        if isinstance(entry, Membership):
            self._moves.set_member(client, entry.channel, enters=entry.enters)
        elif isinstance(entry, Departure):
            self._moves.depart(client, Gone(entry.reason))

    def _rewind(self, entry: Rewound) -> None:
        clients = list(self.receivers.clients(entry.application))
        log.warning("%s: %s (here: %s)", entry.application, entry.reason, counted(len(clients), "client"))
        for client in clients:
            self._moves.depart(client, Gone(entry.reason, reconnect=True))

    def open(self, application: str) -> Outbox:
        if self.pipeline.failing:
            raise Unavailable("the servers' shared store is away at present", retry=2)
        _ = self.logs[application]
        return Outbox(self.bounds, self.reader.positions.get(application, 0))

    def is_rolled_back(self, application: str, cursor: int) -> bool:
        return False  # the store checks the cursor when the client is claimed

    # Clients.

    def create(self, client: LiveClient) -> None:
        operation = Create(client.application, client.id, self.name, facts_of(client), UNPOLLED)
        self.pipeline.submit(operation, keep=True)

    def add(self, client: LiveClient) -> None:
        super().add(client)
        operation = Greet(client.application, client.id, self.name, facts_of(client), self.lease)
        self.pipeline.submit(operation, partial(self._greeted, client), keep=True)

    def _greeted(self, client: LiveClient, outcome: Outcome) -> None:
        if isinstance(outcome, Gone):
            self._depart(client, outcome)

    def _depart(self, client: LiveClient, reason: Gone) -> None:
        if self._moves.find(client.id) is client:
            self._moves.depart(client, reason)

    def receive(self, client: LiveClient, items: Sequence[Item], then: Received) -> None:
        room = self._moves.timing.pending
        operation = Accept(
            client.application, client.id, [incoming(each) for each in items], room, self.lease
        )
        self._accept(operation, then, iter(RETRY_DELAYS))

    def _accept(self, operation: Accept, then: Received, pauses: Iterator[float]) -> None:
        def decide(outcome: Outcome) -> None:
            pause = next(pauses, None) if isinstance(outcome, Unknown) else None
            if pause is None:
                report_accepted(then, outcome)
            else:
                asyncio.get_running_loop().call_later(pause, self._accept, operation, then, pauses)

        self.pipeline.submit(operation, decide)

    def accept(self, client: LiveClient, items: Sequence[Item], then: Then) -> None:
        self.receive(client, items, lambda received, fresh, error: then(error))

    def leave(self, client: LiveClient) -> None:
        self.pipeline.submit(Depart(client.application, client.id, LEFT), keep=True)
        if self._moves.find(client.id) is client:
            self.changed(client)
            self._moves.depart(client, Gone(LEFT))

    def close(self, client: LiveClient, then: Then, evicted: Gone | None = None) -> None:
        # A client that has not polled here may have polled at another server. If not, its short lease ends.
        if evicted is not None:
            operation = Evict(client.application, None, client.id, evicted.message, None)
            self.pipeline.submit(operation, keep=True)
        super().close(client, then)

    # Clients that move.

    def claim(self, client_id: str, cursor: int, then: Then) -> None:
        self.claims.claim(client_id, cursor, then)

    def forget(self, client: LiveClient) -> None:
        if self._moves.find(client.id) is client:
            self._moves.forget(client)

    def _claimed(self, client_id: str) -> None:
        if not self._elsewhere:
            asyncio.get_running_loop().call_later(COLLECTED_FOR, self._check_claimed)
        self._elsewhere.append(client_id)

    def _check_claimed(self) -> None:
        """Ask the store about claimed clients: a call may be late, and its client may be back here."""
        found = [self._moves.find(client_id) for client_id in dict.fromkeys(self._elsewhere)]
        self._elsewhere = []
        for application in self.reader.positions:
            clients = [each for each in found if each is not None and each.application == application]
            if clients:
                self.pipeline.submit(self._renewal(application, clients), self._renewed)

    async def _keep_renewing(self) -> None:
        while True:
            with suppress(TimeoutError):  # or at once before the log is trimmed: it has to know all cursors
                await asyncio.wait_for(self._hurry.wait(), self._moves.timing.grace / RENEWALS)
            self._hurry.clear()
            for application in self.reader.positions:
                await self._renew_all(application)

    async def _renew_all(self, application: str) -> None:
        """Renew the leases of the clients that are here, one batch after another.

        Each batch waits for the outcome of the one before: a call with all clients would keep the store from
        its other work, and Redis would need memory for it. ``lowest`` is sent when the store has the cursors
        of all clients. If it were sent before, the store might delete entries above an old cursor, and a
        server to which that client moves would report them as lost.
        """
        clients, lowest = self.receivers.clients(application), self._lowest(application)
        greeted = [each for each in clients if each.greeted]
        for first in range(0, len(greeted), RENEWED_AT_ONCE):
            some = greeted[first : first + RENEWED_AT_ONCE]
            outcome = await self.pipeline.ask(self._renewal(application, some))
            if not isinstance(outcome, Renewed):
                return  # the store is away
            self._renewed(outcome)
        self.pipeline.submit(Renew(application, self.name, (), lowest, self.lease))

    def _renewal(self, application: str, clients: Sequence[LiveClient]) -> Renew:
        here = [(each.id, self._floor(each)) for each in clients if each.state is State.CONNECTED]
        silent = [(each.id, self._floor(each)) for each in clients if each.state is not State.CONNECTED]
        return Renew(application, self.name, here, None, self.lease, silent)

    def _floor(self, client: LiveClient) -> int:
        entries = client.outbox.entries
        return entries[0].id - 1 if entries else self.reader.positions[client.application]

    def _lowest(self, application: str) -> int:
        floors = [self._floor(each) for each in self.receivers.clients(application)]
        return min([self.reader.positions[application], *floors, *self.claims.floors(application)])

    def _renewed(self, outcome: Outcome) -> None:
        if not isinstance(outcome, Renewed):
            return
        for client_id in outcome.moved:
            client = self._moves.find(client_id)
            if client is not None:
                self._moves.forget(client)
        # The log will soon report clients that have ended. A client that is unknown twice was lost by the
        # store.
        lost = self._unknown.intersection(outcome.unknown)
        self._unknown = self._unknown.union(outcome.unknown) - lost
        for client_id in lost:
            client = self._moves.find(client_id)
            if client is not None:
                self._moves.depart(client, Gone(UNKNOWN, reconnect=True))

    # For applications that another server leads: here they may send messages, and nothing else.

    async def append(self, application: str, address: Address, message: Message) -> int:
        kept = self._kept(application, address)
        operation = Append(application, None, address, message, self._next_cause(application), kept)
        return await appended(self.pipeline, operation)

    def _kept(self, application: str, address: Address) -> Kept | None:
        return kept_of(self.histories.get(application), address, self.settings.history_bytes)

    def _next_cause(self, application: str) -> Cause:
        self._outside[application] += 1
        return Cause(self.name, self._outside[application])

    async def publish(self, publications: Sequence[Publication]) -> list[int]:
        groups: dict[str, list[int]] = defaultdict(list)
        for index, each in enumerate(publications):
            groups[each.application].append(index)
        if len(groups) > 1:  # each application has its own log, so all marks are checked before any message
            for indexes in groups.values():
                await self._publish(publications, indexes, check=True)
        ids = [0] * len(publications)
        for indexes in groups.values():
            for index, position in zip(indexes, await self._publish(publications, indexes), strict=True):
                ids[index] = position
        return ids

    async def _publish(
        self, publications: Sequence[Publication], indexes: Sequence[int], *, check: bool = False
    ) -> list[int]:
        chosen = [publications[index] for index in indexes]
        application = chosen[0].application
        cause = self._next_cause(application)
        messages = [(each.address, each.message, each.mark) for each in chosen]
        kept = [self._kept(application, each.address) for each in chosen]
        operation = Publish(application, messages, cause, self.settings.age, check, kept)
        outcome = await self.pipeline.ask(operation)
        if isinstance(outcome, list):
            return [int(each) for each in outcome]
        if isinstance(outcome, Reused):
            raise Reused(indexes[outcome.index])
        if isinstance(outcome, RequestError):
            raise outcome
        raise Unavailable("messages cannot be stored at present", retry=1)

    def identified(self, client: LiveClient) -> None:
        self.pipeline.submit(SaveFacts(client.application, client.id, facts_of(client)), keep=True)

    def data_requested(self, client: LiveClient) -> None:
        """Does nothing: the leader has the client's data."""
