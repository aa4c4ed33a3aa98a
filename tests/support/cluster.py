"""Several servers in one process, which share a store in memory. A test kills them and moves the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.hub_fakes import FakePoll
from tests.support.queue_fakes import FakeDatabase, FakeStore
from tests.support.serving import until
from tests.support.shared_memory import SharedMemory
from tests.support.shared_store import MemorySharedStore
from thywill.application import Application
from thywill.application_interface.base import Loaded, Page
from thywill.application_interface.local import LocalApplications, LocalSettings
from thywill.core.envelope import Item
from thywill.core.server_row import ServerRow
from thywill.core.signing import Signer
from thywill.errors import RequestError
from thywill.hub.actions import Actions
from thywill.hub.delivery import Delivery
from thywill.hub.leases import Timing
from thywill.hub.ports import Elsewhere
from thywill.hub.rates import ClientLimits
from thywill.hub.room import build
from thywill.queue.shared.hub import SharedHub
from thywill.queue.shared.pace import Pace
from thywill.queue.shared.queue import SharedQueue, SharedQueueSettings
from thywill.queue.shared.tasks import end

SIGNER = Signer(b"a secret of the tests")
PACE = Pace(
    lease=6.0,
    elect=0.02,
    lead_delay=0.0,
    heartbeat=0.05,
    alive=8.0,
    expire=0.02,
    trim=0.05,
    save=0.02,
    retry=0.01,
)
LIMITS = ClientLimits(
    sends=1e9, sends_burst=1e9, send_bytes=1e9, send_bytes_burst=1e9, polls=1e9, polls_burst=1e9
)


class Server:
    """One server: a hub, a shared queue over its own store, and the applications.

    Args:
        memory: what the servers share.
        name: the server's name.
        kinds: the classes of the applications, by name.
    """

    def __init__(
        self, memory: SharedMemory, name: str, kinds: dict[str, type[Application]], timing: Timing
    ) -> None:
        self.name = name
        self.memory = memory
        self.store = MemorySharedStore(memory)
        self.database = FakeDatabase(FakeStore())
        self.kinds = kinds
        self.room = build(
            self._make_queue,
            self._make_applications,
            SIGNER,
            timing,
            call_soon=asyncio.get_running_loop().call_soon,
            make_hub=SharedHub,
            limits=LIMITS,
        )
        self.hub, self.queue, self.applications = self.room.hub, self.room.queue, self.room.applications
        self.queue.describe_server = lambda: ServerRow(name, f"http://{name}/", 1, "1.0", 0.0)
        self.queue.answer_server = self._answer
        self.is_alive = False

    async def _answer(self, question: bytes) -> bytes:
        return question + b" " + self.name.encode()

    def _make_queue(self, delivery: Delivery) -> SharedQueue:
        return SharedQueue(
            SharedQueueSettings(),
            self.database,
            delivery,
            store=self.store,
            wall=lambda: self.memory.now,
            pace=PACE,
        )

    def _make_applications(self, actions: Actions, _queue: SharedQueue) -> LocalApplications:
        loaded = [Loaded(kind, Page(name, name, Path(), None)) for name, kind in self.kinds.items()]
        return LocalApplications(LocalSettings([]), actions, 10_000, 5.0, loaded)

    async def start(self) -> Server:
        await self.queue.start()
        await self.queue.leaders.start()
        self.is_alive = True
        return self

    async def stop(self) -> None:
        """Stop as a server does after SIGTERM."""
        self.is_alive = False
        await self.queue.leaders.stop()
        await self.applications.stop()
        await self.queue.stop()

    def tasks(self) -> list[asyncio.Task[None]]:
        queue, leaders = self.queue, self.queue.leaders
        tasks = [queue.pipeline._task, queue.reader._task, *queue._tasks, *leaders._campaigns]
        for led in leaders._led.values():
            tasks += led._tasks
        tasks += [box.task for box in self.applications._mailboxes.values()]
        return [task for task in tasks if task is not None]

    async def kill(self) -> None:
        """End the server as ``kill -9`` does: it writes nothing any more."""
        self.is_alive = False
        self.store.fault = "away"
        await end(self.tasks())
        self.memory.listeners.pop(self.name, None)
        self.memory.receivers.pop(self.name, None)

    def leads(self, application: str = "chat") -> bool:
        return application in self.queue.leaders.leads


class ClusterPage:
    """A browser's page, which may ask another server with every request.

    ``got`` has the data of all messages, each id once; ``ids`` their ids.
    """

    def __init__(self, client_id: str, token: str, cursor: int) -> None:
        self.id = client_id
        self.token = token
        self.cursor = cursor
        self.got: list[Any] = []
        self.ids: list[int] = []
        self.lost = 0
        self.received = 0
        self.sent = 0
        self.error: RequestError | None = None

    async def poll(self, server: Server, hold: float = 0.0) -> FakePoll:
        """Poll at ``server``; return the poll when it is parked or answered."""
        while True:
            try:
                return self._poll(server, hold)
            except Elsewhere as elsewhere:
                await self._claim(elsewhere)

    def _poll(self, server: Server, hold: float) -> FakePoll:
        client = server.hub.find(self.token)
        poll = FakePoll(server.hub, client)
        poll.after = partial(self._take, poll)
        server.hub.poll(client, poll, self.cursor, hold)
        return poll

    async def _claim(self, elsewhere: Elsewhere) -> None:
        claimed: asyncio.Future[RequestError | None] = asyncio.get_running_loop().create_future()
        elsewhere.claim(self.cursor, claimed.set_result)
        if error := await claimed:
            raise error

    def _take(self, poll: FakePoll) -> None:
        answer = poll.answer
        if "gone" in answer:
            return
        self.lost += answer.get("lost", 0)
        for item in answer["messages"]:
            if item[0] > self.cursor:
                self.ids.append(item[0])
                self.got.append(item[1:] if len(item) > 2 else item[1])
        self.cursor = max(self.cursor, answer["cursor"])

    async def receive(self, count: int, *servers: Server) -> list[Any]:
        """Poll at the servers in turns until ``count`` messages have come in all."""
        turn = 0
        while len(self.got) < count:
            server = servers[turn % len(servers)]
            parked = await self.poll(server, 25.0)
            if len(self.got) < count and not parked.calls:
                await until(lambda parked=parked: bool(parked.calls))  # type: ignore[misc]
            turn += 1
        return self.got

    async def send(self, server: Server, *data: Any) -> None:
        """Send the next messages to ``server``, again until they are accepted."""
        first = self.sent + 1
        self.sent += len(data)
        await self.send_items(server, [Item(first + place, each) for place, each in enumerate(data)])

    async def send_items(self, server: Server, items: Sequence[Item]) -> int:
        answered: asyncio.Future[tuple[int, RequestError | None]] = asyncio.get_running_loop().create_future()
        client = server.hub.find_anywhere(self.token)
        server.hub.receive(client, items, lambda received, error: answered.set_result((received, error)))
        received, error = await answered
        if error is not None:
            raise error
        self.received = received
        return received

    def leave(self, server: Server) -> None:
        server.hub.leave(server.hub.find_anywhere(self.token))


class Cluster:
    """The servers, and the memory that they share."""

    def __init__(self, kinds: dict[str, type[Application]], *, timing: Timing | None = None) -> None:
        self.memory = SharedMemory()
        self.kinds = kinds
        self.timing = timing or Timing()
        self.servers: list[Server] = []

    async def start(self, count: int) -> Cluster:
        for _ in range(count):
            await self.add()
        await until(lambda: self.leader() is not None)
        return self

    async def add(self) -> Server:
        server = Server(self.memory, f"s{len(self.servers) + 1}", self.kinds, self.timing)
        self.servers.append(server)
        return await server.start()

    def leader(self, application: str = "chat") -> Server | None:
        found = [server for server in self.servers if server.is_alive and server.leads(application)]
        return found[0] if found else None

    async def leading(self, application: str = "chat") -> Server:
        await until(lambda: self.leader(application) is not None)
        leader = self.leader(application)
        assert leader is not None
        return leader

    def others(self) -> list[Server]:
        """Return the servers that do not lead."""
        return [server for server in self.servers if server.is_alive and not server.leads()]

    async def new_page(self, server: Server, application: str = "chat", session: str = "ann") -> ClusterPage:
        client = server.hub.create(application, session, "192.0.2.1")
        return ClusterPage(client.id, client.token, client.outbox.cursor)

    async def connected(self, server: Server, **options: Any) -> ClusterPage:
        """Return a page that has polled once."""
        page = await self.new_page(server, **options)
        await page.poll(server)
        return page

    async def stop(self) -> None:
        for server in self.servers:
            if server.is_alive:
                await server.stop()
