"""The durable queue: messages, clients and unfinished steps are in the database and survive a restart.

The rule is: commit first, and only then let others rely on it. In this example browser A sends "hi" to a chat
whose hook publishes it to the channel "lobby", where B is:

    1  A's message 7 is put into ``changes.items``; ``GroupCommit`` commits it.
    2  Only now A gets the answer {"received": 7}, and the hook starts: step (A, 7).
    3  The hook publishes. The message gets the id 40 and goes into ``changes.messages``; it is committed.
    4  Only now it is delivered to B's outbox, and ``publish`` returns to the hook.
    5  The hook ends. "A has handled 7" is committed within 20 ms, with the hook's changes in A's data.
    6  B's browser acknowledges 40. B's cursor is committed within 2 s; later 40 is trimmed from the log.

What a crash does depends on the last commit before it. Before 1: A has no answer and sends 7 again. Before 3:
step (A, 7) runs again. Before 5: the step runs again, and its message 40 is recognized and not sent twice
(``replay.py``). Before 6: B may get 40 again after the restart (``restoring.py``), and its page ignores ids
that it has.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Container, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, ClassVar

import msgspec

from thywill.core.changes import (
    MembershipChange,
    Stored,
    StoredClient,
    StoredItem,
    StoredMessage,
    StoredPublication,
)
from thywill.core.envelope import Item
from thywill.core.history import HistoryMessage
from thywill.core.lifecycle import State
from thywill.core.log import Entry
from thywill.core.message import Address, Message
from thywill.core.outbox import Outbox
from thywill.core.publication import Publication
from thywill.core.record import ClientRecord
from thywill.database.base import Database, DatabaseUnavailable
from thywill.errors import Gone, RequestError, Unavailable
from thywill.hub.client import LiveClient
from thywill.hub.delivery import Delivery
from thywill.hub.ports import Then
from thywill.hub.restored import Restored
from thywill.hub.step import CONNECTED, DISCONNECTED, Step, current
from thywill.queue.base import Queue, QueueSettings
from thywill.queue.durable.client_data import ClientData
from thywill.queue.durable.entering import Entering, do_nothing, settle
from thywill.queue.durable.group_commit import GroupCommit
from thywill.queue.durable.position import Position
from thywill.queue.durable.replay import Replay
from thywill.queue.durable.restoring import END, MessageIndex, restore, row_of

log = logging.getLogger(__name__)

Seconds = Annotated[float, msgspec.Meta(gt=0)]

ALL = 2**31 - 1
CHECKED_PER_TURN = 2000
"""How many clients are checked in one turn of the loop."""

STEP_END = 0.02
"""Seconds until the end of a step is committed, if no other commit comes earlier."""

STORABLE_FOR = 2.0
"""Seconds for which a stored message proves that the next one can be stored, too."""

OUTSIDE_CHECK_EVERY = 0.5
"""Seconds between two checks for changes of ``client.data`` that were made outside of any step."""


@dataclass(frozen=True, slots=True)
class DatabaseQueueSettings(QueueSettings):
    """The section ``[queue]`` with ``component = "database"``.

    Args:
        cursors: seconds within which acknowledgements of browsers are committed. If the server is killed
            before that, the messages are sent again, and pages ignore them.
        trim: seconds between two deletions of messages that all receivers have acknowledged.
        age: seconds after which a message is dropped even if a receiver has not acknowledged it, and the id
            of a published message is forgotten.
    """

    cursors: Seconds = 2.0
    trim: Seconds = 5.0
    age: Seconds = 3600.0

    @property
    def publication_age(self) -> float:
        return self.age


class DatabaseQueue(Queue):
    """Stores messages until all receivers have acknowledged them, and clients until they are gone."""

    Settings: ClassVar[type[Any]] = DatabaseQueueSettings
    settings: DatabaseQueueSettings
    durable = True

    def __init__(
        self,
        settings: DatabaseQueueSettings,
        database: Database,
        receivers: Delivery,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(settings, database, receivers, wall=wall)
        self._store = database.messages()
        self._commits = GroupCommit(self._store)
        self._positions: dict[str, Position] = defaultdict(lambda: Position.begin(wall(), 0))
        self._acknowledged: dict[str, LiveClient] = {}
        self._lossy: set[str] = set()
        self._data = ClientData()
        self._in_flight: dict[tuple[str, int], int] = {}
        self._replay = Replay((), ())
        self._entering = Entering(self._add, lambda *message: self._replay.take(*message), self._commits)
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._commits.start()
        self._tasks = [
            asyncio.create_task(self._keep_trimming()),
            asyncio.create_task(self._keep_committing_data()),
        ]

    async def stop(self) -> None:
        """Commit the remaining changes."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._commit_cursors()
        self._commit_data(ALL)
        await self._commits.stop()

    # The start.

    async def restore(self, applications: Container[str]) -> Sequence[Restored]:
        stored = await self._store.load()
        for application, last in MessageIndex(stored.messages).last.items():
            self._positions[application] = Position.begin(self.wall(), last)
        self._forget_others(stored, applications)
        # Steps of other applications never run, so they must not keep messages in the log.
        ours = [client for client in stored.clients if client.application in applications]
        self._replay = Replay(ours, stored.messages)
        for row in stored.publications:
            self.publications.add(row)
        self._restore_histories(stored.messages)
        clients = restore(stored, self.bounds, applications)
        self._lossy.update(client.id for client in clients if client.outbox.losses)
        for client in clients:
            self._data.track(client.id, client.data)
        self._hold(clients)
        return await self._with_records(clients)

    def _restore_histories(self, messages: Sequence[StoredMessage]) -> None:
        for row in messages:
            history = self.histories.get(row.application) if row.history else None
            if history is not None:
                channel = json.loads(row.name)
                if not history.record(channel, HistoryMessage(row.id, row.sent, row.data.encode())):
                    history.release(channel)

    async def problem(self) -> str | None:
        """Return in one line why no message can be stored; try it, unless one was stored just now."""
        if self._commits.has_stored_within(STORABLE_FOR):
            return None
        try:
            await self._store.probe()
        except DatabaseUnavailable as error:
            return str(error)
        return None

    def _hold(self, clients: Sequence[Restored]) -> None:
        """Count the waiting messages of the clients in the logs of their applications."""
        entries: dict[tuple[str, int], Entry] = {}
        for client in clients:
            for entry in client.outbox.entries:
                if isinstance(entry, Entry):
                    entries[client.application, entry.id] = entry
        for (application, _), entry in sorted(entries.items()):
            self.logs[application].hold(entry)

    def _forget_others(self, stored: Stored, applications: Container[str]) -> None:
        others = {client.id for client in stored.clients if client.application not in applications}
        for client_id in others:
            self._commits.changes.forget(client_id)

    async def _with_records(self, clients: Sequence[Restored]) -> Sequence[Restored]:
        records: dict[str, ClientRecord] = {}
        for state in (State.CONNECTED, State.DETACHED):
            found = await self.database.find_all(state=state.value, limit=ALL)
            records.update((record.id, record) for record in found)
        return [_with_record(client, records.get(client.id)) for client in clients]

    # Clients.

    def open(self, application: str) -> Outbox:
        return Outbox(self.bounds, self._positions[application].delivered)

    def add(self, client: LiveClient) -> None:
        super().add(client)
        row = StoredClient(
            client.id,
            client.application,
            client.session,
            client.created,
            client.outbox.cursor,
            data=self._data.track(client.id, client.data),
            identity=client.identity.encode(),
        )
        self._commits.changes.clients[client.id] = row
        self._commits.commit()

    def identified(self, client: LiveClient) -> None:
        if client.greeted and (identity := client.identity.encode()):
            self._commits.changes.identities[client.id] = identity
            self._commits.commit()

    def data_requested(self, client: LiveClient) -> None:
        super().data_requested(client)
        self._data.requested(client)

    async def _keep_committing_data(self) -> None:
        while True:
            more = self._commit_data(CHECKED_PER_TURN)
            await asyncio.sleep(0 if more else OUTSIDE_CHECK_EVERY)

    def _commit_data(self, limit: int) -> bool:
        changes, more = self._data.outside_steps(limit)
        if changes:
            self._commits.changes.data.update(changes)
            self._commits.commit()
        return more

    def subscribed(self, client: LiveClient, channel: str) -> None:
        self._change_membership(client, channel, enters=True)

    def unsubscribed(self, client: LiveClient, channel: str) -> None:
        self._change_membership(client, channel, enters=False)

    def _change_membership(self, client: LiveClient, channel: str, *, enters: bool) -> None:
        # A message that is not committed yet will be delivered to the members at the time of the commit. So
        # it counts as sent after this change, and the position is the last delivered id.
        position = self._positions[client.application].delivered
        self._commits.changes.memberships.append(
            MembershipChange(enters, client.id, json.dumps(channel), position)
        )
        self._commits.commit_within(STEP_END)

    def close(self, client: LiveClient, then: Then, evicted: Gone | None = None) -> None:
        self._acknowledged.pop(client.id, None)
        self._lossy.discard(client.id)
        if not client.greeted:
            then(None)
            return
        self.database.save(client)
        self._commits.changes.gone[client.id] = None
        if evicted is not None:
            end = (client.inbox.received, json.dumps(evicted.message))
            self._commits.changes.evicted[client.id] = end
        self._commits.commit(then)

    # Messages to browsers.

    async def append(self, application: str, address: Address, message: Message) -> int:
        step = current()
        if step is None:
            return await self._append(application, address, message)
        to = (address, message.reply_to)
        index = step.index(to, message.data)
        before = self._replay.take(step, address, message.reply_to, index)
        if before is not None:
            return before
        try:
            return await self._append(application, address, message, step, index)
        except (Unavailable, asyncio.CancelledError):
            step.failed(to, message.data, index)
            raise

    async def _append(
        self,
        application: str,
        address: Address,
        message: Message,
        step: Step | None = None,
        index: int | None = None,
    ) -> int:
        safe: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        message_id = self._add(application, address, message, partial(settle, safe), step, index)
        await safe
        return message_id

    def _add(
        self,
        application: str,
        address: Address,
        message: Message,
        then: Then,
        step: Step | None = None,
        index: int | None = None,
    ) -> int:
        """Put a message into the next transaction and return its id.

        After the commit the message is delivered and ``then`` is called. If the commit fails, ``then`` gets
        the error.
        """
        position = self._positions[application]
        position.assigned += 1
        row = row_of(application, position.assigned, address, message, step, index)
        if address.kind == "channel" and self.record(application, address, row.id, message):
            row = row._replace(history=True)
        if step is not None:
            self._in_flight.setdefault((step.client, step.number), row.id)
        self._commits.changes.messages.append(row)
        self._commits.commit(partial(self._added, application, address, row.id, message, then))
        return row.id

    def _added(
        self,
        application: str,
        address: Address,
        message_id: int,
        message: Message,
        then: Then,
        error: RequestError | None,
    ) -> None:
        if error is None:
            self._positions[application].delivered = message_id
            self.receivers.deliver(application, address, message_id, message, self.logs[application])
        elif address.kind == "channel" and application in self.histories:
            self.histories[application].withdraw(address.name, message_id)
        then(error)

    async def enter(
        self, client: LiveClient, channel: str, packs: Sequence[Message], entered: Callable[[], None]
    ) -> None:
        if packs:
            await self._entering.enter(client, channel, packs, entered)
        else:
            entered()
            self.subscribed(client, channel)

    async def publish(self, publications: Sequence[Publication]) -> list[int]:
        now = self.wall()
        self.publications.check(publications, now)
        added: list[StoredPublication] = []
        ids = [self._publish(each, now, added) for each in publications]
        self._commits.changes.publications += added
        safe: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # Also if all of them are repeats: the first ones may not be committed yet, and the answer has to
        # wait.
        self._commits.commit(partial(self._published, added, safe))
        await safe
        return ids

    def _publish(self, publication: Publication, now: float, added: list[StoredPublication]) -> int:
        known = self.publications.position(publication)
        if known is not None:
            return known
        application, address, message, _ = publication
        message_id = self._add(application, address, message, do_nothing)
        if row := publication.stored(message_id, now):
            self.publications.add(row)
            added.append(row)
        return message_id

    def _published(
        self, added: Sequence[StoredPublication], safe: asyncio.Future[None], error: RequestError | None
    ) -> None:
        if error is not None:
            self.publications.withdraw(added)
        settle(safe, error)

    def is_rolled_back(self, application: str, cursor: int) -> bool:
        return self._positions[application].is_lost(cursor)

    def acknowledged(self, client: LiveClient) -> None:
        if not self._acknowledged:
            asyncio.get_running_loop().call_later(self.settings.cursors, self._commit_cursors)
        self._acknowledged[client.id] = client

    def _commit_cursors(self) -> None:
        clients, self._acknowledged = self._acknowledged, {}
        for client in clients.values():
            if client.greeted:
                self._commit_cursor_of(client)
        if clients:
            self._commits.commit()

    def _commit_cursor_of(self, client: LiveClient) -> None:
        self._commits.changes.cursors[client.id] = client.outbox.cursor
        if client.id in self._lossy:
            self._commit_loss(client)
            if not client.outbox.losses:
                self._lossy.discard(client.id)

    # Messages from browsers.

    def accept(self, client: LiveClient, items: Sequence[Item], then: Then) -> None:
        for item in items:
            row = StoredItem(client.id, item.n, msgspec.json.encode(item).decode())
            self._commits.changes.items.append(row)
        self._commits.commit(then)

    def handled(self, client: LiveClient, number: int) -> None:
        self._replay.step_ended(client.id, number)
        changes = self._commits.changes
        if number == DISCONNECTED:
            changes.forget(client.id)
        elif number >= CONNECTED:
            changes.handled[client.id] = number
        changes.data.update(self._data.step_ended(client, last=number == DISCONNECTED))
        if (client.id, number) in self._in_flight:
            self._commits.commit(partial(self._ended, (client.id, number)))
        else:
            self._commits.commit_within(STEP_END)

    def _ended(self, step: tuple[str, int], _error: RequestError | None) -> None:
        del self._in_flight[step]

    # Trimming the log.

    async def _keep_trimming(self) -> None:
        while True:
            await asyncio.sleep(self.settings.trim)
            for application, position in list(self._positions.items()):
                # Also while writes fail, because this makes room on a full disk.
                with suppress(DatabaseUnavailable):
                    await self._trim(application, position)
            with suppress(DatabaseUnavailable):
                await self._forget_publications()

    async def _forget_publications(self) -> None:
        before = self.publications.take_forgotten(self.wall())
        if before is not None:
            await self._store.forget_publications(before)

    async def _trim(self, application: str, position: Position) -> None:
        """Delete messages that nobody needs; the last one stays, as ids go on from it after a restart."""
        await self._release_history(application)
        old = position.older_than(self.settings.age, time.monotonic())
        if old > position.trimmed:
            self.receivers.drop_up_to(application, old)
        needed = [position.delivered, self._replay.lowest() or END, *self._in_flight.values()]
        needed.append(await self._lowest_waiting(application))
        up_to = min(needed) - 1
        if up_to > position.trimmed:
            await self._store.trim(application, up_to)
            position.trimmed = up_to

    async def _release_history(self, application: str) -> None:
        history = self.histories.get(application)
        if history is None:
            return
        if firsts := history.take_changed(self.wall()):
            await self._store.release(application, firsts)

    async def _lowest_waiting(self, application: str) -> int:
        """Return the lowest id that waits in any outbox, and commit the losses of all outboxes."""
        lowest = END
        for count, client in enumerate(self.receivers.clients(application)):
            if count % CHECKED_PER_TURN == CHECKED_PER_TURN - 1:
                await asyncio.sleep(0)  # messages that arrive meanwhile have higher ids
            entries = client.outbox.entries
            if entries:
                lowest = min(lowest, entries[0].id)
            if client.outbox.losses and client.greeted:
                self._commit_loss(client)
        return lowest

    def _commit_loss(self, client: LiveClient) -> None:
        # The dropped messages may leave the log before the browser has acknowledged the loss.
        self._lossy.add(client.id)
        self._commits.changes.lost[client.id] = client.outbox.loss()


def _with_record(client: Restored, record: ClientRecord | None) -> Restored:
    if record is None:
        return client
    return replace(client, address=record.address, user_agent=record.user_agent)
