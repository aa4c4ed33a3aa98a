"""A queue that survives the server: its message log and the clients' cursors are kept in the database.

Whatever has to be safe is written before anybody hears of it: a message before it is delivered and before
``append`` returns, what a browser sends before it is answered. One transaction takes all that has come up
while the one before it was under way (group commit), in the database's thread.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import defaultdict, deque
from collections.abc import Container, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any, ClassVar

import msgspec

from thywill.core.changes import Move, Stored, StoredClient, StoredItem, StoredMessage
from thywill.core.envelope import Item
from thywill.core.lifecycle import State
from thywill.core.message import Message
from thywill.core.outbox import Entry, Outbox
from thywill.core.record import ClientRecord
from thywill.database.base import Database, DatabaseUnavailable
from thywill.errors import Gone, RequestError, Unavailable
from thywill.hub.client import LiveClient
from thywill.hub.contracts import Address, Restored, Then
from thywill.hub.step import CONNECTED, DISCONNECTED, Cause, current
from thywill.queue.base import Queue, QueueSettings
from thywill.queue.durable.data import DataNotes
from thywill.queue.durable.replay import Replay
from thywill.queue.durable.restoring import END, Log, restore
from thywill.queue.durable.writer import Writer

log = logging.getLogger(__name__)

Seconds = Annotated[float, msgspec.Meta(gt=0)]

ALL = 2**31 - 1
WALK = 2000
"""Clients whose queues are looked into in one turn of the loop."""

HANDLED = 0.02
"""Seconds after which it is noted that a step has ended, when nothing else is written before."""

OUTSIDE = 0.5
"""Seconds between two looks at what was changed of ``client.data`` outside of any step."""


@dataclass(frozen=True, slots=True)
class DatabaseQueueSettings(QueueSettings):
    """The section ``[queue]`` with ``component = "database"``.

    Args:
        cursors: seconds within which it is noted what browsers have acknowledged; what is not noted when
            the server is killed is sent again, and their pages ignore it.
        trim: seconds between two deletions of what all have acknowledged.
        age: seconds after which a message is given up that somebody has not acknowledged.
    """

    cursors: Seconds = 2.0
    trim: Seconds = 5.0
    age: Seconds = 3600.0


@dataclass(slots=True)
class Position:
    """Where the log of an application is, in ids.

    ``assigned`` was given out last, ``delivered`` was delivered last; up to ``trimmed`` all is deleted.
    ``marks`` are pairs of a time (seconds) and what had been delivered by then, the oldest first.
    """

    assigned: int = 0
    delivered: int = 0
    trimmed: int = 0
    marks: deque[tuple[float, int]] = field(default_factory=deque)

    def older_than(self, age: float, now: float) -> int:
        """Return up to which id all was delivered ``age`` seconds ago, and note where the log is now."""
        old = 0
        self.marks.append((now, self.delivered))
        while self.marks[0][0] <= now - age:
            _, old = self.marks.popleft()
        return old


class DatabaseQueue(Queue):
    """Keeps messages until their receivers have acknowledged them, and clients as long as they live."""

    Settings: ClassVar[type[Any]] = DatabaseQueueSettings
    settings: DatabaseQueueSettings
    durable = True

    def __init__(self, settings: DatabaseQueueSettings, database: Database) -> None:
        super().__init__(settings, database)
        self._database = database
        self._store = database.messages()
        self._writer = Writer(self._store)
        self._positions: dict[str, Position] = defaultdict(Position)
        self._acknowledged: dict[str, LiveClient] = {}
        self._lossy: set[str] = set()
        self._data = DataNotes()
        self._under_way: dict[tuple[str, int], int] = {}
        self._replay = Replay((), ())
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        self._writer.start()
        self._tasks = [asyncio.create_task(self._keep_trimming()), asyncio.create_task(self._keep_noting())]

    async def stop(self) -> None:
        """Write what is left."""
        for task in self._tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        self._note_cursors()
        self._note_data(ALL)
        await self._writer.stop()

    # What was kept.

    async def restore(self, applications: Container[str]) -> Sequence[Restored]:
        kept = await self._store.load()
        for application, last in Log(kept.messages).last.items():
            self._positions[application] = Position(last, last)
        self._forget_others(kept, applications)
        # Without those others, whose steps never end.
        ours = [client for client in kept.clients if client.application in applications]
        self._replay = Replay(ours, kept.messages)
        clients = restore(kept, self.bounds, applications)
        self._lossy.update(client.id for client in clients if client.outbox.losses)
        for client in clients:
            self._data.begin(client.id, client.data)
        self._hold(clients)
        return await self._with_records(clients)

    def _hold(self, clients: Sequence[Restored]) -> None:
        """Count what waits for the clients into the logs of their applications."""
        entries: dict[tuple[str, int], Entry] = {}
        for client in clients:
            for entry in client.outbox.entries:
                if isinstance(entry, Entry):
                    entries[client.application, entry.id] = entry
        for (application, _), entry in sorted(entries.items()):
            self.hold(application, entry)

    def _forget_others(self, kept: Stored, applications: Container[str]) -> None:
        others = {client.id for client in kept.clients if client.application not in applications}
        for client_id in others:
            self._writer.changes.forget(client_id)

    async def _with_records(self, clients: Sequence[Restored]) -> Sequence[Restored]:
        records: dict[str, ClientRecord] = {}
        for state in (State.CONNECTED, State.DETACHED):
            found = await self._database.find_all(state=state.value, limit=ALL)
            records.update((record.id, record) for record in found)
        return [_with_record(client, records.get(client.id)) for client in clients]

    # Clients.

    def open(self, application: str) -> Outbox:
        return Outbox(self.bounds, self._positions[application].delivered)

    def keep(self, client: LiveClient) -> None:
        cursor = client.outbox.cursor
        data = self._data.begin(client.id, client.data)
        row = StoredClient(client.id, client.application, client.session, client.created, cursor, data=data)
        self._writer.changes.clients[client.id] = row
        self._writer.write()

    def touched(self, client: LiveClient) -> None:
        self._data.asked(client)

    async def _keep_noting(self) -> None:
        while True:
            more = self._note_data(WALK)
            await asyncio.sleep(0 if more else OUTSIDE)

    def _note_data(self, limit: int) -> bool:
        changes, more = self._data.outside(limit)
        if changes:
            self._writer.changes.data.update(changes)
            self._writer.write()
        return more

    def subscribed(self, client: LiveClient, channel: str) -> None:
        self._move(client, channel, enters=True)

    def unsubscribed(self, client: LiveClient, channel: str) -> None:
        self._move(client, channel, enters=False)

    def _move(self, client: LiveClient, channel: str, *, enters: bool) -> None:
        # What is under way is delivered to those who are in the channel then: so it counts as sent later.
        position = self._positions[client.application].delivered
        self._writer.changes.moves.append(Move(enters, client.id, json.dumps(channel), position))
        self._writer.write_within(HANDLED)

    def close(self, client: LiveClient, then: Then, evicted: Gone | None = None) -> None:
        self._acknowledged.pop(client.id, None)
        self._lossy.discard(client.id)
        if not client.greeted:
            then(None)
            return
        self._writer.changes.gone[client.id] = None
        if evicted is not None:
            end = (client.inbox.received, json.dumps(evicted.message))
            self._writer.changes.evicted[client.id] = end
        self._writer.write(then)

    # Messages to browsers.

    async def append(self, application: str, address: Address, message: Message) -> int:
        cause = current()
        if cause is None:
            return await self._append(application, address, message)
        to = (address, message.reply_to)
        index = cause.index(to, message.data)
        before = self._replay.take(cause, address, message.reply_to, index)
        if before is not None:
            return before
        try:
            return await self._append(application, address, message, cause, index)
        except (Unavailable, asyncio.CancelledError):
            cause.failed(to, message.data, index)
            raise

    async def _append(
        self,
        application: str,
        address: Address,
        message: Message,
        cause: Cause | None = None,
        index: int | None = None,
    ) -> int:
        position = self._positions[application]
        position.assigned += 1
        row = _row(application, position.assigned, address, message, cause, index)
        if cause is not None:
            self._under_way.setdefault((cause.client, cause.number), row.id)
        safe: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = Entry(row.id, *message)
        self._writer.changes.messages.append(row)
        self._writer.write(partial(self._appended, safe, application, address, entry))
        await safe
        return entry.id

    def _appended(
        self,
        safe: asyncio.Future[None],
        application: str,
        address: Address,
        entry: Entry,
        error: RequestError | None,
    ) -> None:
        if error is None:
            self._positions[application].delivered = entry.id
            self.deliver(application, address, entry)
        if safe.done():  # whoever waited was cancelled
            return
        if error is None:
            safe.set_result(None)
        else:
            safe.set_exception(error)

    def acknowledged(self, client: LiveClient) -> None:
        if not self._acknowledged:
            asyncio.get_running_loop().call_later(self.settings.cursors, self._note_cursors)
        self._acknowledged[client.id] = client

    def _note_cursors(self) -> None:
        clients, self._acknowledged = self._acknowledged, {}
        for client in clients.values():
            if client.greeted:
                self._note_cursor(client)
        if clients:
            self._writer.write()

    def _note_cursor(self, client: LiveClient) -> None:
        self._writer.changes.cursors[client.id] = client.outbox.cursor
        if client.id in self._lossy:
            self._note_loss(client)
            if not client.outbox.losses:
                self._lossy.discard(client.id)

    # Messages from browsers.

    def accept(self, client: LiveClient, items: Sequence[Item], then: Then) -> None:
        for item in items:
            row = StoredItem(client.id, item.n, msgspec.json.encode(item).decode())
            self._writer.changes.items.append(row)
        self._writer.write(then)

    def handled(self, client: LiveClient, number: int) -> None:
        self._replay.done(client.id, number)
        changes = self._writer.changes
        if number == DISCONNECTED:
            changes.forget(client.id)
        elif number >= CONNECTED:
            changes.handled[client.id] = number
        changes.data.update(self._data.ended(client, last=number == DISCONNECTED))
        if (client.id, number) in self._under_way:
            self._writer.write(partial(self._ended, (client.id, number)))
        else:
            self._writer.write_within(HANDLED)

    def _ended(self, step: tuple[str, int], _error: RequestError | None) -> None:
        del self._under_way[step]

    # The log.

    async def _keep_trimming(self) -> None:
        while True:
            await asyncio.sleep(self.settings.trim)
            for application, position in list(self._positions.items()):
                # On a full disk, too: there it is what makes room.
                with suppress(DatabaseUnavailable):
                    await self._trim(application, position)

    async def _trim(self, application: str, position: Position) -> None:
        """Delete what nobody needs: never the last message, from which the ids go on after a restart."""
        old = position.older_than(self.settings.age, time.monotonic())
        if old > position.trimmed:
            self.receivers.drop_up_to(application, old)
        needed = [position.delivered, self._replay.lowest() or END, *self._under_way.values()]
        needed.append(await self._lowest_waiting(application))
        up_to = min(needed) - 1
        if up_to > position.trimmed:
            await self._store.trim(application, up_to)
            position.trimmed = up_to

    async def _lowest_waiting(self, application: str) -> int:
        """Return the lowest id that waits in any queue, and note what was dropped from them."""
        lowest = END
        for count, client in enumerate(self.receivers.clients(application)):
            if count % WALK == WALK - 1:
                await asyncio.sleep(0)  # what comes meanwhile has higher ids
            entries = client.outbox.entries
            if entries:
                lowest = min(lowest, entries[0].id)
            if client.outbox.losses and client.greeted:
                self._note_loss(client)
        return lowest

    def _note_loss(self, client: LiveClient) -> None:
        # Its messages may be deleted before its browser has been told.
        self._lossy.add(client.id)
        self._writer.changes.lost[client.id] = client.outbox.loss()


def _with_record(client: Restored, record: ClientRecord | None) -> Restored:
    if record is None:
        return client
    return replace(client, address=record.address, user_agent=record.user_agent)


def _row(
    application: str,
    message_id: int,
    address: Address,
    message: Message,
    cause: Cause | None,
    index: int | None,
) -> StoredMessage:
    return StoredMessage(
        application=application,
        id=message_id,
        kind=address.kind,
        name=json.dumps(address.name),
        data=message.data.decode(),
        reply_to=message.reply_to,
        key=message.key,
        overflow=message.overflow.value if message.overflow else None,
        cause_client=cause.client if cause else None,
        cause_number=cause.number if cause else None,
        sent=time.time(),
        cause_index=index,
    )
