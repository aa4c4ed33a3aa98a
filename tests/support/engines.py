"""One server over each kind of queue, with one application, so that one test runs with all queues."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.support.cluster import LIMITS, PACE, SIGNER, ClusterPage
from tests.support.databases import Servers
from tests.support.queue_fakes import FakeDatabase, FakeStore
from tests.support.redis_servers import Redises
from tests.support.serving import until
from tests.support.shared_memory import SharedMemory
from tests.support.shared_store import MemorySharedStore
from thywill.application import Application
from thywill.application_interface.base import Loaded, Page
from thywill.application_interface.local import LocalApplications, LocalSettings
from thywill.core.server_row import ServerRow
from thywill.database.base import Database
from thywill.database.peewee import PeeweeDatabase, PeeweeSettings
from thywill.hub.actions import Actions
from thywill.hub.delivery import Delivery
from thywill.hub.leases import Timing
from thywill.hub.room import build
from thywill.queue.base import Queue, QueueSettings
from thywill.queue.durable.queue import DatabaseQueue, DatabaseQueueSettings
from thywill.queue.memory import MemoryQueue
from thywill.queue.redis.options import Safe, StoreOptions
from thywill.queue.redis.store import RedisStore
from thywill.queue.shared.base import SharedStore
from thywill.queue.shared.queue import SharedQueue, SharedQueueSettings

KINDS = ("memory", "sqlite", "mariadb", "postgresql", "fake", "redis", "valkey")
"""``fake`` is the shared queue over a store in memory."""
SURVIVE = KINDS[1:]
"""Queues that keep messages over a restart of the server."""
SHARED = KINDS[4:]
NAME = "chat"


class EnginePlace:
    """The place where one kind of queue stores its data, from one server to the next.

    Args:
        kind: the queue.
        folder: an empty folder.
        servers, redises: the programs that are needed.
        url: another Redis than the one that tests share.
    """

    def __init__(self, kind: str, folder: Path, servers: Servers, redises: Redises, url: str = "") -> None:
        self.kind = kind
        self.folder = folder
        self.starts = 0
        self._memory = SharedMemory()
        self._prefix = redises.new_prefix()
        self._redis = url or (redises.get(kind).url() if kind in ("redis", "valkey") else "")
        self._url = "sqlite:///test.db" if kind == "sqlite" else ""
        if kind in ("mariadb", "postgresql"):
            self._url = servers.new_url(kind)

    def store(self) -> SharedStore:
        """Return the shared store of the next server."""
        if self.kind == "fake":
            return MemorySharedStore(self._memory)
        return RedisStore(StoreOptions(self._redis, self._prefix, Safe.MEMORY))

    def database(self) -> Database:
        """Return the database of the next server."""
        return (
            PeeweeDatabase(PeeweeSettings(url=self._url), self.folder)
            if self._url
            else FakeDatabase(FakeStore())
        )

    def make_queue(self, database: Database, options: dict[str, Any]) -> Callable[[Delivery], Queue]:
        """Return the function that makes the queue of the next server, with these settings."""

        def make(delivery: Delivery) -> Queue:
            if self.kind == "memory":
                return MemoryQueue(QueueSettings(**options), database, delivery)
            if self.kind in SHARED:
                settings = SharedQueueSettings(**options)
                return SharedQueue(settings, database, delivery, store=self.store(), pace=PACE)
            return DatabaseQueue(DatabaseQueueSettings(**options), database, delivery)

        return make

    @asynccontextmanager
    async def serving(self, application: type[Application], **options: Any) -> AsyncIterator[Engine]:
        """Yield the next server; it stops afterwards.

        Args:
            application: what it runs.
            options: settings of the queue.
        """
        self.starts += 1
        engine = Engine(self, application, options)
        await engine.start()
        try:
            yield engine
        finally:
            await engine.stop()


async def _answer(question: bytes) -> bytes:
    return b""


class Engine:
    """One server: a hub, a queue, and one application."""

    def __init__(self, place: EnginePlace, application: type[Application], options: dict[str, Any]) -> None:
        self._application = application
        self.database = place.database()
        self._is_shared = place.kind in SHARED
        queue = {"fake": SharedQueue, "redis": SharedQueue, "valkey": SharedQueue}.get(place.kind, Queue)
        self.room = build(
            place.make_queue(self.database, options),
            self._make_applications,
            SIGNER,
            Timing(),
            call_soon=asyncio.get_running_loop().call_soon,
            make_hub=queue.hub,
            limits=LIMITS,
        )
        self.hub, self.queue, self.applications = self.room.hub, self.room.queue, self.room.applications
        row = ServerRow(f"s{place.starts}", "http://s/", 1, "1.0", 0.0)
        self.queue.describe_server, self.queue.answer_server = lambda: row, _answer

    def _make_applications(self, actions: Actions, _queue: Queue) -> LocalApplications:
        loaded = [Loaded(self._application, Page(NAME, NAME, Path(), None))]
        return LocalApplications(LocalSettings([]), actions, 10_000, 5.0, loaded)

    async def start(self) -> None:
        await self.database.start()
        await self.queue.start()
        if isinstance(self.queue, SharedQueue):
            leaders = self.queue.leaders
            await leaders.start()
            await until(lambda: NAME in leaders.leads)
        else:
            self.room.leases.restore(await self.queue.restore({NAME}))
            await self.applications.start()
        self.room.leases.resume()

    async def stop(self) -> None:
        """Stop as a server does after SIGTERM."""
        if isinstance(self.queue, SharedQueue):
            await self.queue.leaders.stop()
        await self.applications.stop()
        await self.queue.stop()
        await self.database.stop()

    async def new_page(self, session: str = "ann") -> ClusterPage:
        """Return a page that has polled once."""
        client = self.hub.create(NAME, session, "192.0.2.1")
        page = ClusterPage(client.id, client.token, client.outbox.cursor)
        await page.poll(self)
        return page
