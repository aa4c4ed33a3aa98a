"""Executes operations on the state of a shared store in memory."""

from __future__ import annotations

import asyncio
from functools import singledispatchmethod

from tests.support.shared_memory import MemoryApplication, MemoryClient, SharedMemory, size_of
from thywill.core.history import HistoryMessage, Ring, pack
from thywill.core.message import PACK, Address, Message
from thywill.core.positions import begin
from thywill.errors import Conflict, Gap, Gone, Reused, TooMany
from thywill.hub.step import CONNECTED, DISCONNECTED
from thywill.queue.shared.operations import (
    CAUSES_REMEMBERED,
    DIGESTS,
    EXPIRE_GAP,
    Accept,
    Accepted,
    Append,
    Cause,
    Claim,
    Create,
    Depart,
    Discard,
    Drop,
    Evict,
    Expire,
    Finish,
    Greet,
    Incoming,
    Kept,
    NotLeader,
    Operation,
    Outcome,
    Publish,
    Renew,
    Renewed,
    RolledBack,
    SaveData,
    SaveFacts,
    SendHistory,
    SetMember,
    Trim,
    Unknown,
)
from thywill.queue.shared.rows import (
    ClientRow,
    Departure,
    InboxEntry,
    LogEntry,
    Membership,
    Posted,
    Trimming,
    encode_facts,
)

AWAY = "this client has left, or its grace time has passed"
REASONS_REMEMBERED = 3600.0


class MemoryOperations:
    """Executes operations one by one."""

    def __init__(self, memory: SharedMemory) -> None:
        self.memory = memory

    def _execute(self, operation: Operation) -> Outcome:
        there = self.memory.applications[operation.application]
        fence = getattr(operation, "fence", None)
        if fence is not None and fence != there.fence:
            return NotLeader("another server leads the application")
        return self._do(operation, there)

    @singledispatchmethod
    def _do(self, operation: Operation, there: MemoryApplication) -> Outcome:
        raise NotImplementedError(operation)

    @_do.register
    def _create(self, operation: Create, there: MemoryApplication) -> Outcome:
        client = there.clients.get(operation.client)
        if client is None:
            client = MemoryClient(operation.facts, operation.server, there.last, there.last)
            there.clients[operation.client] = client
            self._needs(there, operation.server, there.last)
            self._lease(there, operation.client, operation.seconds)
        return client.begins

    @_do.register
    def _connect(self, operation: Greet, there: MemoryApplication) -> Outcome:
        client = self._alive(there, operation.client)
        if isinstance(client, Gone):
            return client
        if not client.connected:
            client.facts, client.server = operation.facts, operation.server
        self._ensure_connected(there, operation.client, client)
        self._lease(there, operation.client, operation.seconds)
        return None

    @_do.register
    def _accept(self, operation: Accept, there: MemoryApplication) -> Outcome:
        client = self._alive(there, operation.client)
        if isinstance(client, Gone):
            return client
        if operation.seconds > 0:
            self._lease(there, operation.client, operation.seconds)
        self._ensure_connected(there, operation.client, client)
        fresh: list[Incoming] = []
        expected = client.received + 1
        for item in operation.items:
            if item.n > expected:
                return Gap(client.received)
            if item.n == expected:
                fresh.append(item)
                expected += 1
            elif item.n <= client.received and self._conflicts(client, item):
                return Conflict(item.n)
        room = operation.room - (client.received - max(client.handled, 0))
        if fresh and room <= 0:
            return TooMany("the application has not handled the earlier messages yet", retry=1)
        for item in fresh[:room]:
            client.received = item.n
            client.digests = [*client.digests, item.digest][-DIGESTS:]
            self._step(there, operation.client, item.n, item.item)
        return Accepted(client.received, len(fresh[:room]))

    @staticmethod
    def _conflicts(client: MemoryClient, item: Incoming) -> bool:
        age = client.received - item.n
        return age < len(client.digests) and client.digests[-1 - age] != item.digest

    @_do.register
    def _leave(self, operation: Depart, there: MemoryApplication) -> Outcome:
        self._end(operation.application, there, operation.client, operation.reason)
        return None

    @_do.register
    def _claim(self, operation: Claim, there: MemoryApplication) -> Outcome:
        client = self._alive(there, operation.client)
        if isinstance(client, Gone):
            return client
        if self._is_lost(there, operation.cursor):
            return RolledBack("this page has messages that the server has lost: connect again")
        if client.server != operation.server:
            listener = self.memory.listeners.get(client.server)
            client.server = operation.server
            if listener is not None:
                asyncio.get_running_loop().call_soon(listener, operation.client)
        self._needs(there, operation.server, client.cursor)
        self._lease(there, operation.client, operation.seconds)
        return self._row(operation.application, operation.client)

    @staticmethod
    def _is_lost(there: MemoryApplication, cursor: int) -> bool:
        known = cursor <= there.trimmed or cursor in (0, there.last) or cursor in there.discarded
        return not known and all(entry.id != cursor for entry in there.log)

    @_do.register
    def _renew(self, operation: Renew, there: MemoryApplication) -> Outcome:
        renewed = Renewed([], [])
        silent = {client_id for client_id, _ in operation.silent}
        for client_id, cursor in (*operation.clients, *operation.silent):
            client = there.clients.get(client_id)
            if client is None or client.gone is not None:
                renewed.unknown.append(client_id)
            elif client.server != operation.server:
                renewed.moved.append(client_id)
            else:
                client.cursor = max(client.cursor, cursor)
                client.left = [each for each in client.left if each[2] > client.cursor]
                if client_id not in silent:
                    self._lease(there, client_id, operation.seconds)
        if operation.lowest is not None:
            there.lowest[operation.server] = (operation.lowest, self.memory.now)
        return renewed

    @_do.register
    def _discard(self, operation: Discard, there: MemoryApplication) -> Outcome:
        client = there.clients.get(operation.client)
        if client is None or client.server != operation.server:
            return None
        client.dropped, client.lost = operation.up_to, list(operation.lost)
        gone = {
            entry.id
            for entry in there.log
            if isinstance(entry, Posted) and entry.id in operation.ids and entry.address.kind == "client"
        }
        there.written -= sum(size_of(entry) for entry in there.log if entry.id in gone)
        there.discarded |= gone
        there.log = [entry for entry in there.log if entry.id not in gone]
        return None

    @_do.register
    def _append(self, operation: Append, there: MemoryApplication) -> Outcome:
        cause = operation.cause
        marks = there.marks.setdefault(self._marks_of(cause), {})
        key = cause.place or str(cause.number)
        if key in marks:
            return marks[key]
        entry = Posted(operation.application, self._next(there), operation.address, operation.message)
        self._log(there, entry)
        self._keep(there, entry, operation.kept)
        marks[key] = entry.id
        if not cause.place:
            marks.pop(str(cause.number - CAUSES_REMEMBERED), None)
        return entry.id

    @staticmethod
    def _marks_of(cause: Cause) -> tuple[str, int]:
        return (cause.client, cause.number if cause.place else 0)

    @_do.register
    def _publish(self, operation: Publish, there: MemoryApplication) -> Outcome:
        now = self.memory.now
        marked: dict[str, str] = {}
        for index, (_, _, mark) in enumerate(operation.messages):
            if mark is not None:
                _, digest, until = there.published.get(mark.key, (0, "", 0.0))
                known = digest if until > now else marked.setdefault(mark.key, mark.digest)
                if known != mark.digest:
                    return Reused(index)
        if operation.check:
            return []
        ids: list[int] = []
        for place, (address, message, mark) in enumerate(operation.messages):
            found = there.published.get(mark.key, (0, "", 0.0)) if mark else (0, "", 0.0)
            if found[2] > now:
                ids.append(found[0])
                continue
            cause = operation.cause._replace(place=f"message {place}")
            kept = operation.kept[place] if operation.kept else None
            added = self._append(Append(operation.application, None, address, message, cause, kept), there)
            assert isinstance(added, int)
            if mark is not None:
                there.published[mark.key] = (added, mark.digest, now + operation.age)
            ids.append(added)
        return ids

    @_do.register
    def _evict(self, operation: Evict, there: MemoryApplication) -> Outcome:
        client = there.clients.get(operation.client)
        if client is not None and client.gone is None and operation.number is not None:
            client.received = min(client.received, operation.number)
        self._end(operation.application, there, operation.client, operation.reason)
        return None

    @_do.register
    def _member(self, operation: SetMember, there: MemoryApplication) -> Outcome:
        client = there.clients.get(operation.client)
        is_in = client is not None and operation.channel in client.channels
        if client is None or client.gone is not None or is_in == operation.enters:
            return 0
        position = self._next(there)
        self._log(
            there,
            Membership(
                operation.application, position, operation.client, operation.channel, operation.enters
            ),
        )
        if operation.enters:
            client.channels[operation.channel] = position
        else:
            since = client.channels.pop(operation.channel)
            client.left = [each for each in client.left if each[2] > client.cursor]
            client.left.append((operation.channel, since, position))
        return position

    def _keep(self, there: MemoryApplication, entry: Posted, kept: Kept | None) -> None:
        if kept is None:
            return
        name = entry.address.name
        ring = Ring(kept.bounds)
        for past in (
            *there.histories.pop(name, ring).messages,
            HistoryMessage(entry.id, self.memory.now, entry.message.data),
        ):
            ring.add(past)
        there.histories[name] = ring
        while sum(each.size for each in there.histories.values()) > kept.total and len(there.histories) > 1:
            there.histories.popitem(last=False)

    @_do.register
    def _replay(self, operation: SendHistory, there: MemoryApplication) -> Outcome:
        cause, name, application = operation.cause, operation.channel, operation.application
        marks = there.marks.setdefault(self._marks_of(cause), {})
        key = cause.place or str(cause.number)
        client = there.clients.get(operation.client)
        if key in marks or client is None or client.gone is not None:
            return marks.get(key, 0)
        ring = Ring(operation.bounds)
        for past in there.histories.pop(name, ring).messages:
            ring.add(past)
        ring.drop(self.memory.now)
        there.histories[name] = ring
        for each in pack([past.data for past in ring.messages], operation.limit):
            to, message = Address.client(operation.client), Message(each, reply_to=PACK)
            self._log(there, Posted(application, self._next(there), to, message))
        self._member(SetMember(application, operation.fence, operation.client, name, enters=True), there)
        marks[key] = there.last
        return there.last

    @_do.register
    def _save_facts(self, operation: SaveFacts, there: MemoryApplication) -> Outcome:
        if operation.client in there.clients:
            there.clients[operation.client].facts = operation.facts
        return None

    @_do.register
    def _save_data(self, operation: SaveData, there: MemoryApplication) -> Outcome:
        for client_id, data in operation.data.items():
            if client_id in there.clients:
                there.clients[client_id].data = data
        return None

    @_do.register
    def _finish(self, operation: Finish, there: MemoryApplication) -> Outcome:
        there.inbox.pop(int(operation.entry or 0), None)
        there.marks.pop((operation.client, operation.number), None)
        self._save_data(SaveData(operation.application, operation.fence, operation.data), there)
        client = there.clients.get(operation.client)
        if client is not None and operation.number == DISCONNECTED:
            self._delete(there, operation.client, client.gone or AWAY)
        elif client is not None:
            client.handled = max(client.handled, operation.number)
        return None

    @_do.register
    def _drop(self, operation: Drop, there: MemoryApplication) -> Outcome:
        for entry in operation.entries:
            there.inbox.pop(int(entry), None)
        return None

    @_do.register
    def _expire(self, operation: Expire, there: MemoryApplication) -> Outcome:
        now = self.memory.now
        if there.expired is None or now - there.expired > EXPIRE_GAP:
            there.patient_until = now + operation.grace
        there.expired = now
        if now < there.patient_until:
            return []
        overdue = [client for client, until in there.leases.items() if until <= now][: operation.limit]
        for client_id in overdue:
            self._end(operation.application, there, client_id, operation.reason)
        return overdue

    @_do.register
    def _trim(self, operation: Trim, there: MemoryApplication) -> Outcome:
        now = self.memory.now
        there.lowest = {
            server: (lowest, at)
            for server, (lowest, at) in there.lowest.items()
            if now - at <= 2 * operation.grace or now < there.patient_until
        }
        up_to = min((lowest for lowest, _ in there.lowest.values()), default=there.last)
        there.trimmed = max(there.trimmed, min(max(up_to, there.dropping), there.last))
        there.log = [entry for entry in there.log if entry.id > there.trimmed]
        self._announce(operation, there)
        return there.trimmed

    def _announce(self, operation: Trim, there: MemoryApplication) -> None:
        up_to = max(begin(self.memory.now - operation.age, 0) - 1, self._too_long(operation, there))
        up_to = min(up_to, there.last)
        if any(entry.id <= up_to for entry in there.log):
            there.dropping = up_to
            self._log(there, Trimming(operation.application, self._next(there), up_to))

    @staticmethod
    def _too_long(operation: Trim, there: MemoryApplication) -> int:
        looks = [look for look in there.looks if look[0] > there.trimmed]
        before = [look for look in there.looks if look[0] <= there.trimmed][-1:] or [(0, 0, 0)]
        fitting = (
            each[0]
            for each in (*before, *looks)
            if there.logged - each[1] <= operation.entries and there.written - each[2] <= operation.bytes
        )
        up_to = next(fitting, looks[-1][0] if looks else 0)
        look = (there.last, there.logged, there.written)
        there.looks = [each for each in (*before, *looks) if each != look] + [look]
        return up_to

    # What several operations do.

    @staticmethod
    def _log(there: MemoryApplication, entry: LogEntry) -> None:
        there.log.append(entry)
        there.logged += 1
        there.written += size_of(entry)

    def _next(self, there: MemoryApplication) -> int:
        there.last = begin(self.memory.now, there.last)
        return there.last

    def _alive(self, there: MemoryApplication, client_id: str) -> MemoryClient | Gone:
        client = there.clients.get(client_id)
        if client is not None:
            return client if client.gone is None else Gone(client.gone)
        reason, until = there.reasons.get(client_id, ("", 0.0))
        return Gone(reason) if until > self.memory.now else Unknown(AWAY)

    def _ensure_connected(self, there: MemoryApplication, client_id: str, client: MemoryClient) -> None:
        if not client.connected:
            client.connected = True
            self._step(there, client_id, CONNECTED, encode_facts(client.facts))

    def _step(self, there: MemoryApplication, client_id: str, number: int, item: bytes) -> None:
        there.steps += 1
        there.inbox[there.steps] = InboxEntry(str(there.steps), client_id, number, item)

    def _lease(self, there: MemoryApplication, client_id: str, seconds: float) -> None:
        until = self.memory.now + seconds
        there.leases[client_id] = max(until, there.leases.get(client_id, 0.0))

    def _needs(self, there: MemoryApplication, server: str, cursor: int) -> None:
        lowest, _ = there.lowest.get(server, (cursor, 0.0))
        there.lowest[server] = (min(lowest, cursor), self.memory.now)

    def _end(self, application: str, there: MemoryApplication, client_id: str, reason: str) -> None:
        there.leases.pop(client_id, None)
        client = there.clients.get(client_id)
        if client is None or client.gone is not None:
            return
        if not client.connected:
            self._delete(there, client_id, reason)
            return
        client.gone = reason
        self._log(there, Departure(application, self._next(there), client_id, reason))
        self._step(there, client_id, DISCONNECTED, b"")

    def _delete(self, there: MemoryApplication, client_id: str, reason: str) -> None:
        there.reasons[client_id] = (reason, self.memory.now + REASONS_REMEMBERED)
        del there.clients[client_id]

    def _row(self, application: str, client_id: str) -> ClientRow:
        there = self.memory.applications[application]
        client = there.clients[client_id]
        return ClientRow(
            id=client_id,
            application=application,
            facts=client.facts,
            server=client.server,
            cursor=client.cursor,
            received=client.received,
            handled=client.handled,
            connected=client.connected,
            gone=client.gone,
            data=client.data,
            channels=dict(client.channels),
            left=list(client.left),
            trimmed=there.trimmed,
            dropped=client.dropped,
            lost=list(client.lost),
        )
