"""A shared store in memory: several servers in one process, a clock that a test sets, and faults."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import TypeVar

from tests.support.shared_memory import SharedMemory
from tests.support.shared_operations import MemoryOperations
from thywill.core.history import HistoryMessage
from thywill.core.server_row import ServerRow
from thywill.errors import SettingsError
from thywill.queue.shared.base import SharedStore, StoreUnavailable
from thywill.queue.shared.operations import (
    Operation,
    Outcome,
)
from thywill.queue.shared.rows import (
    ClientRow,
    Election,
    Heartbeat,
    InboxEntry,
    LogEntry,
)

Entry = TypeVar("Entry")


class MemorySharedStore(MemoryOperations, SharedStore):
    """The store of one server. ``fault`` decides what happens to its next calls.

    - ``away``: they fail, and nothing is executed.
    - ``unsure``: a batch is executed, and fails. The fault is over then.
    - ``lost``: a batch fails in the middle: the first half is executed. The fault is over then.
    - ``slow``: they wait for ``release_waiting``.
    """

    def __init__(self, memory: SharedMemory) -> None:
        super().__init__(memory)
        self.name = ""
        self.fault: str | None = None
        self.batches: list[list[Operation]] = []
        self._gate = asyncio.Event()
        self._claimed: Callable[[str], None] = lambda _: None
        self._received: Callable[[bytes], None] = lambda _: None

    def release_waiting(self) -> None:
        """Let the calls that wait go on."""
        self.fault = None
        self._gate.set()
        self._gate = asyncio.Event()

    async def _arrive(self) -> None:
        await asyncio.sleep(0)
        if self.fault == "slow":
            await self._gate.wait()
        if self.fault == "away":
            raise StoreUnavailable("it is told to be away")

    # The server.

    async def start(self, server: Heartbeat) -> None:
        await self._arrive()
        for other in await self.servers():
            if other.secret != server.secret:
                raise SettingsError(f"the server {other.row.name} has another secret")
        self.name = server.row.name
        self.memory.listeners[self.name] = self._claimed
        self.memory.receivers[self.name] = self._received

    async def stop(self) -> None:
        self.memory.beats.pop(self.name, None)
        self.memory.listeners.pop(self.name, None)
        self.memory.receivers.pop(self.name, None)

    def listen(self, claimed: Callable[[str], None], received: Callable[[bytes], None]) -> None:
        self._claimed, self._received = claimed, received

    async def take_name(self, name: str, server: str, seconds: float, *, instead_of: str = "") -> str:
        await self._arrive()
        names = self.memory.names
        if names.setdefault(name, server) == instead_of:
            names[name] = server
        return names[name]

    async def find_name(self, name: str) -> str:
        await self._arrive()
        return self.memory.names.get(name, "")

    async def drop_name(self, name: str, server: str) -> None:
        await self._arrive()
        if self.memory.names.get(name) == server:
            del self.memory.names[name]

    async def send(self, notes: Sequence[tuple[str, bytes]]) -> Collection[str]:
        await self._arrive()
        for name, note in notes:
            if name in self.memory.receivers:
                asyncio.get_running_loop().call_soon(self.memory.receivers[name], note)
        return {name for name, _ in notes} - set(self.memory.receivers)

    async def heartbeat(self, server: Heartbeat, seconds: float) -> None:
        await self._arrive()
        self.memory.beats[server.row.name] = (server, self.memory.now + seconds)

    async def servers(self) -> list[Heartbeat]:
        await self._arrive()
        alive = [server for server, until in self.memory.beats.values() if until > self.memory.now]
        return sorted(alive, key=lambda server: server.row.name)

    async def problem(self) -> str | None:
        return "it is told to be away" if self.fault == "away" else None

    # Reading.

    async def read_log(self, after: Mapping[str, int], block: float) -> list[LogEntry]:
        return await self._until_found(lambda: self._read_log(after), block)

    async def _read_log(self, after: Mapping[str, int]) -> list[LogEntry]:
        await self._arrive()
        logs = self.memory.applications
        return [entry for name, last in after.items() for entry in logs[name].log if entry.id > last]

    async def read_inbox(self, application: str, after: str, block: float) -> list[InboxEntry]:
        return await self._until_found(lambda: self._read_inbox(application, after), block)

    async def _until_found(self, read: Callable[[], Awaitable[list[Entry]]], block: float) -> list[Entry]:
        now = asyncio.get_running_loop().time
        until = now() + block
        while True:
            found = await read()
            if found or now() >= until:
                return found
            await self.memory.wait(until - now())

    async def _read_inbox(self, application: str, after: str) -> list[InboxEntry]:
        await self._arrive()
        inbox = self.memory.applications[application].inbox
        return [entry for place, entry in sorted(inbox.items()) if place > int(after or 0)]

    async def range(self, application: str, after: int, until: int) -> list[LogEntry]:
        await self._arrive()
        return [entry for entry in self.memory.applications[application].log if after < entry.id <= until]

    async def trimmed(self, application: str) -> int:
        await self._arrive()
        return self.memory.applications[application].trimmed

    async def last(self, application: str) -> int:
        await self._arrive()
        return self.memory.applications[application].last

    async def roster(self, application: str) -> list[ClientRow]:
        await self._arrive()
        there = self.memory.applications[application]
        return [self._row(application, name) for name, each in there.clients.items() if each.connected]

    # Leading.

    async def histories(self, application: str) -> list[tuple[str, HistoryMessage]]:
        await self._arrive()
        rings = self.memory.applications[application].histories
        return [(channel, past) for channel, ring in rings.items() for past in ring.messages]

    async def client(self, application: str, client_id: str) -> ClientRow | None:
        await self._arrive()
        known = self.memory.applications[application].clients
        return self._row(application, client_id) if client_id in known else None

    async def elect(
        self, application: str, server: str, seconds: float, *, fence: int = 0, stands: bool = True
    ) -> Election:
        await self._arrive()
        there, now = self.memory.applications[application], self.memory.now
        if there.until <= now and not stands and there.leader != server:
            return Election("", there.fence, False)
        if there.leader == server and there.until > now and there.fence == fence:
            there.until = now + seconds
        elif there.until <= now or there.leader == server:
            there.leader, there.until = server, now + seconds
            there.fence = max(there.fence + 1, int(now * 1000))
        return Election(there.leader, there.fence, there.leader == server)

    async def resign(self, application: str, fence: int) -> None:
        await self._arrive()
        there = self.memory.applications[application]
        if there.fence == fence:
            there.leader, there.until = "", 0.0

    # Operations.

    async def execute(self, operations: Sequence[Operation]) -> list[Outcome]:
        await self._arrive()
        self.batches.append(list(operations))
        fault = self.fault
        if fault in ("unsure", "lost"):
            self.fault = None
        executed = operations[: len(operations) // 2] if fault == "lost" else operations
        outcomes = [self._execute(operation) for operation in executed]
        self.memory.changed()
        if fault in ("unsure", "lost"):
            raise StoreUnavailable("it is told to leave it open", unsure=True)
        return outcomes


def heartbeat(name: str, secret: str = "a digest", applications: tuple[str, ...] = ("chat",)) -> Heartbeat:
    """Return the heartbeat of a server of a test."""
    row = ServerRow(name, "http://127.0.0.1:8080/", 1, "1.0", 0.0)
    return Heartbeat(row, applications, secret)
