"""A server over a message store, which can be killed; the next server continues with the same store."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.support.hub_fakes import FakeListener, FakePoll
from tests.support.queue_fakes import FakeDatabase, FakeStore
from thywill.application import Application
from thywill.application_interface.local import LocalApplications, LocalSettings
from thywill.client import Client
from thywill.core.envelope import Item, encode_message
from thywill.core.message import Address
from thywill.core.positions import EPOCH
from thywill.core.signing import Signer
from thywill.errors import RequestError
from thywill.hub.actions import Actions
from thywill.hub.client import LiveClient
from thywill.hub.delivery import Delivery
from thywill.hub.leases import Timing
from thywill.hub.room import build
from thywill.hub.step import CONNECTED
from thywill.queue.durable.queue import DatabaseQueue, DatabaseQueueSettings

ALL = Address.channel("all")


class OneApplication(LocalApplications):
    """Runs one application as ``chat``, without a package."""

    def __init__(self, actions: Actions, application: Application) -> None:
        super().__init__(LocalSettings([]), actions, 1000, 5.0)
        application._connect("chat", actions, self.message)
        self._applications["chat"] = application


class World:
    """One server over a store; ``killed`` returns the next server.

    All servers have the ``application`` in common. Without one, ``listener`` records the events instead.
    """

    def __init__(self, database: FakeDatabase | None = None, application: Application | None = None) -> None:
        self.application = application
        self.wall: float = EPOCH  # so that ids are 1, 2, 3, …
        self.database = database or FakeDatabase(FakeStore())
        self.store = self.database.store
        self.listener = FakeListener()
        signer = Signer(b"a secret of the tests")
        loop = asyncio.get_running_loop()
        self.room = build(
            self._make_queue, self._make_applications, signer, Timing(), call_soon=loop.call_soon
        )
        self.hub, self.actions, self.queue = self.room.hub, self.room.actions, self.room.queue
        self.directory, self.leases, self.applications = (
            self.room.directory,
            self.room.leases,
            self.room.applications,
        )
        self.answers: list[int | RequestError] = []

    def _make_queue(self, delivery: Delivery) -> DatabaseQueue:
        settings = DatabaseQueueSettings(cursors=0.001)
        return DatabaseQueue(settings, self.database, delivery, wall=lambda: self.wall)

    def _make_applications(self, actions: Actions, _queue: DatabaseQueue) -> OneApplication | FakeListener:
        return OneApplication(actions, self.application) if self.application else self.listener

    async def begin(self) -> World:
        await self.queue.start()
        self.leases.restore(await self.queue.restore({"chat"}))
        self.leases.resume()
        return self

    async def committed(self) -> None:
        """Wait until every change so far is stored."""
        stored: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.queue._commits.commit(lambda _error: stored.set_result(None))
        await stored

    async def killed(self) -> World:
        """Kill this server, and return the next."""
        for task in asyncio.all_tasks():
            is_ours = any(word in str(task) for word in ("_keep_", "Mailbox", "Beside"))
            if is_ours and task is not asyncio.current_task():
                task.cancel()
        await settle()
        self.store.release_waiting()
        world = World(self.database, self.application)
        world.wall = self.wall
        return await world.begin()

    def connect(self) -> LiveClient:
        """Return a client that has polled, in the channel ``all``, with its connection handled."""
        client = self.hub.create("chat", "session")
        self.poll(client)
        self.actions.subscribe(client, "all")
        self.handled(client, CONNECTED)
        return client

    def handle(self, client: LiveClient) -> Client:
        """Return the object that the application has for ``client``."""
        return Client(client, self.actions, 1000)

    def again(self, client: LiveClient) -> LiveClient:
        """Return the client that this server finds for the token of ``client``."""
        return self.hub.find(client.token)

    def poll(self, client: LiveClient, cursor: int | None = None) -> list[Any]:
        """Return the items of a poll's answer."""
        poll = FakePoll(self.hub, client)
        self.hub.poll(client, poll, client.outbox.cursor if cursor is None else cursor, 0)
        if not poll.calls:
            poll.expire()
        items: list[Any] = poll.answer["messages"]
        return items

    def publish(self, data: Any) -> asyncio.Task[int]:
        return asyncio.ensure_future(self.actions.append("chat", ALL, encode_message(ALL, data, 1000)))

    def handled(self, client: LiveClient, number: int) -> None:
        """Report a step that has ended, as the application interface does."""
        client.handled = max(client.handled, number)
        self.actions.handled(client, number)

    def send(self, client: LiveClient, *numbers: int) -> None:
        items = [Item(n, f"text {n}") for n in numbers]
        self.hub.receive(client, items, lambda received, error: self.answers.append(error or received))


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)
