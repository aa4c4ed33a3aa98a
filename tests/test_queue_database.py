"""The queue that survives: what is safe when, and what the next server finds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.hub_fakes import FakeListener, FakePoll
from tests.queue_fakes import FakeDatabase, FakeStore
from tests.serving import until
from thywill.cause import CONNECTED, DISCONNECTED, Cause, begin
from thywill.client import LiveClient
from thywill.components.queue.database import DatabaseQueue, DatabaseQueueSettings
from thywill.contracts import Address, Timing
from thywill.core.envelope import Item
from thywill.core.signing import Signer
from thywill.errors import Malformed, RequestError, Unavailable
from thywill.hub import Hub

pytestmark = pytest.mark.gen_test
ALL = Address.channel("all")


class World:
    """A server's life over a store; ``killed`` begins the next."""

    def __init__(self, database: FakeDatabase | None = None) -> None:
        self.database = database or FakeDatabase(FakeStore())
        self.store = self.database.store
        self.queue = DatabaseQueue(DatabaseQueueSettings(cursors=0.001), self.database)
        self.listener = FakeListener()
        signer = Signer(b"a secret of the tests")
        self.hub = Hub(
            self.queue, self.database, signer, Timing(), call_soon=asyncio.get_running_loop().call_soon
        )
        self.queue.connect(self.hub.delivery)
        self.hub.listen(self.listener)
        self.answers: list[int | RequestError] = []

    async def begin(self) -> World:
        await self.queue.start()
        for client in await self.queue.restore({"chat"}):
            self.hub.restore(client)
        return self

    async def killed(self) -> World:
        """Return the world after this one was cut off, whatever it was doing."""
        for task in asyncio.all_tasks():
            if task is not asyncio.current_task() and "_keep_" in str(task):
                task.cancel()
        await settle()
        self.store.let_go()
        return await World(self.database).begin()

    def connect(self) -> LiveClient:
        """Return a client that has polled, in the channel ``all``, with its connection handled."""
        client = self.hub.create("chat", "session")
        self.poll(client)
        self.hub.subscribe(client, "all")
        self.hub.handled(client, CONNECTED)
        return client

    def again(self, client: LiveClient) -> LiveClient:
        """Return the client that shows the token of ``client`` here."""
        return self.hub.find(client.token)

    def poll(self, client: LiveClient, cursor: int | None = None) -> list[Any]:
        """Return the items of a poll's answer."""
        poll = FakePoll(self.hub, client)
        self.hub.poll(client, poll, client.outbox.cursor if cursor is None else cursor, 0)
        if not poll.calls:
            poll.expire()
        items: list[Any] = poll.answer["messages"]
        return items

    def publish(self, data: Any) -> asyncio.Task[None]:
        return asyncio.ensure_future(self.hub.send("chat", ALL, data, 1000))

    def send(self, client: LiveClient, *numbers: int) -> None:
        items = [Item(n, f"text {n}") for n in numbers]
        self.hub.receive(client, items, lambda received, error: self.answers.append(error or received))


async def settle() -> None:
    for _ in range(30):
        await asyncio.sleep(0)


async def test_a_message_is_delivered_once_it_is_safe() -> None:
    world = await World().begin()
    client = world.connect()
    await settle()
    world.store.fault = "hang"
    sent = world.publish("a")
    await settle()
    assert not sent.done()
    assert world.poll(client) == []
    world.store.let_go()
    await sent
    assert world.poll(client) == [[1, "a"]]
    assert [row.data for row in world.store.messages.values()] == ['"a"']


async def test_what_comes_while_a_transaction_is_under_way_goes_into_the_next() -> None:
    world = await World().begin()
    world.store.fault = "hang"
    sent = [world.publish(number) for number in range(100)]
    await settle()
    late = [world.publish(number) for number in range(100)]
    await settle()
    world.store.let_go()
    await asyncio.gather(*sent, *late)
    assert [len(changes.messages) for changes in world.store.written if changes.messages] == [100, 100]


async def test_ids_and_the_order_go_on_after_a_kill() -> None:
    world = await World().begin()
    client = world.connect()
    for number in range(3):
        await world.publish(number)
    assert len(world.poll(client)) == 3
    world.poll(client, cursor=2)
    world = await world.killed()
    await world.publish(3)
    assert world.poll(world.again(client), cursor=2) == [[3, 2], [4, 3]]


async def test_a_cursor_that_was_not_noted_is_believed() -> None:
    world = await World().begin()
    client = world.connect()
    await world.publish("a")
    await world.publish("b")
    await settle()
    world = await world.killed()
    again = world.again(client)
    assert again.outbox.cursor == 0
    assert world.poll(again, cursor=1) == [[2, "b"]]


async def test_a_cursor_is_believed_whose_message_is_gone() -> None:
    world = await World().begin()
    client = world.connect()
    for text in "abc":
        await world.publish(text)
    world.store.messages.pop(("chat", 2))
    world = await world.killed()
    again = world.again(client)
    assert world.poll(again, cursor=2) == [[3, "c"]]
    with pytest.raises(Malformed):
        world.poll(again, cursor=4)


async def test_who_was_not_in_the_channel_then_gets_nothing_after_a_kill() -> None:
    world = await World().begin()
    member, left, late = world.connect(), world.connect(), world.connect()
    world.hub.unsubscribe(late, "all")
    await world.publish("a")
    world.hub.unsubscribe(left, "all")
    world.hub.subscribe(late, "all")
    await world.publish("b")
    world = await world.killed()
    got = [[data for _, data in world.poll(world.again(each))] for each in (member, left, late)]
    assert got == [["a", "b"], ["a"], ["b"]]
    assert [world.hub.audience.channels_of(world.again(each)) for each in (member, left, late)] == [
        ["all"],
        [],
        ["all"],
    ]


async def test_a_message_that_cannot_be_kept_is_not_sent_and_its_sender_is_told() -> None:
    world = await World().begin()
    client = world.connect()
    await settle()
    world.store.fault = "refuse"
    with pytest.raises(Unavailable):
        await world.publish("a")
    world.store.fault = None
    await world.publish("b")
    assert [data for _, data in world.poll(client)] == ["b"]
    world = await world.killed()
    assert [data for _, data in world.poll(world.again(client))] == ["b"]


async def test_a_message_of_which_nobody_knows_is_taken_back() -> None:
    world = await World().begin()
    client = world.connect()
    await settle()
    world.store.fault = "unsure"
    with pytest.raises(Unavailable):
        await world.publish("a")
    assert world.store.messages
    world.store.fault = None
    await world.publish("b")
    world = await world.killed()
    assert [data for _, data in world.poll(world.again(client))] == ["b"]


async def test_what_a_browser_sends_is_answered_once_it_is_safe() -> None:
    world = await World().begin()
    client = world.connect()
    await settle()
    world.store.fault = "hang"
    world.send(client, 1, 2)
    await settle()
    assert world.answers == []
    assert world.listener.events == [f"connected {client.id}"]
    world.store.let_go()
    await settle()
    assert world.answers == [2]
    assert world.listener.events[1:] == [f"received {client.id} [1, 2]"]


async def test_what_follows_on_something_refused_is_refused_too() -> None:
    world = await World().begin()
    client = world.connect()
    await settle()
    world.store.fault = "hang"
    world.send(client, 1)
    await settle()
    world.send(client, 2)
    await settle()
    world.store.fault = "refuse"
    world.store._gate.set()
    for _ in range(3):
        await asyncio.sleep(0)
    world.store.fault = None
    await settle()
    assert [type(answer) for answer in world.answers] == [Unavailable, Unavailable]
    assert (client.inbox.received, client.pending) == (0, 0)
    world.send(client, 1, 2)
    await settle()
    assert world.answers[-1] == 2


async def test_what_was_accepted_and_not_handled_is_handled_after_a_kill() -> None:
    world = await World().begin()
    client = world.connect()
    world.send(client, 1, 2, 3)
    await settle()
    world.hub.handled(client, 1)
    await world.publish("so that it is written")
    world = await world.killed()
    assert world.listener.events == [f"resumed {client.id}", f"received {client.id} [2, 3]"]
    again = world.again(client)
    assert (again.inbox.received, again.pending) == (3, 2)


async def test_a_step_that_is_handled_again_does_not_send_again() -> None:
    world = await World().begin()
    client = world.connect()
    world.send(client, 1)
    await settle()
    begin(Cause(client.id, 1))
    await world.publish("before the kill")
    world = await world.killed()
    await world.publish("in other words")
    await world.publish("the second part")
    texts = [data for _, data in world.poll(world.again(client))]
    assert texts == ["before the kill", "the second part"]


async def test_a_task_that_a_step_left_behind_sends_on_its_own_account() -> None:
    world = await World().begin()
    client = world.connect()
    cause = Cause(client.id, 1)
    begin(cause)
    cause.open = False
    await world.publish("late")
    assert [row.cause_client for row in world.store.messages.values()] == [None]


@pytest.mark.parametrize("handled", [False, True])
async def test_a_client_whose_connection_was_not_handled_connects_again(handled: bool) -> None:
    world = await World().begin()
    client = world.hub.create("chat", "session")
    world.poll(client)
    if handled:
        world.hub.handled(client, CONNECTED)
    await world.publish("so that it is written")
    world = await world.killed()
    assert world.listener.events == [f"{'resumed' if handled else 'connected'} {client.id}"]


async def test_a_client_that_left_is_brought_to_its_end_after_a_kill() -> None:
    world = await World().begin()
    client = world.connect()
    world.send(client, 1)
    world.hub.leave(client)
    await settle()
    world = await world.killed()
    assert world.listener.events[-2:] == [f"received {client.id} [1]", f"disconnected {client.id}"]
    assert client.id not in world.hub.clients
    world = await world.killed()
    assert world.listener.events, "nobody has said that it was handled"


async def test_nothing_is_left_of_a_client_whose_end_was_handled() -> None:
    world = await World().begin()
    client = world.connect()
    await world.publish("a")
    world.hub.leave(client)
    await settle()
    world.hub.handled(client, DISCONNECTED)
    await world.publish("b")
    assert (world.store.clients, world.store.items, world.store.subscriptions) == ({}, {}, [])


async def test_a_page_that_was_only_fetched_leaves_nothing() -> None:
    world = await World().begin()
    client = world.hub.create("chat", "session")
    await world.publish("a")
    assert world.store.clients == {}
    world.hub.leave(client)
    await settle()
    assert world.store.clients == {}


async def test_what_all_have_acknowledged_is_deleted_but_the_last() -> None:
    world = await World().begin()
    client, slow = world.connect(), world.connect()
    for number in range(5):
        await world.publish(number)
    world.poll(client)
    world.poll(client, cursor=5)
    world.poll(slow)
    world.poll(slow, cursor=2)
    await trim(world)
    assert [id_ for _, id_ in world.store.messages] == [3, 4, 5]
    world.poll(slow)
    world.poll(slow, cursor=5)
    await trim(world)
    assert [id_ for _, id_ in world.store.messages] == [5]
    world = await world.killed()
    await world.publish("next")
    assert [id_ for _, id_ in world.store.messages] == [5, 6]


async def test_what_a_step_under_way_has_sent_stays() -> None:
    world = await World().begin()
    client = world.connect()
    world.send(client, 1)
    await settle()
    begin(Cause(client.id, 1))
    for number in range(3):
        await world.publish(number)
    world.poll(client)
    world.poll(client, cursor=3)
    await trim(world)
    assert len(world.store.messages) == 3
    world.hub.handled(client, 1)
    await settle()
    await trim(world)
    assert len(world.store.messages) == 1


async def trim(world: World) -> None:
    await world.queue._trim("chat", world.queue._positions["chat"])


async def test_clients_of_an_application_that_is_gone_are_forgotten() -> None:
    world = await World().begin()
    other = world.hub.create("echo", "session")
    world.poll(other)
    await world.publish("so that it is written")
    world = await world.killed()
    assert world.hub.clients == {}
    await world.publish("so that it is written")
    assert world.store.clients == {}


async def test_acknowledgements_are_noted_after_a_while() -> None:
    world = await World().begin()
    client = world.connect()
    await world.publish("a")
    world.poll(client)
    world.poll(client, cursor=1)
    await until(lambda: world.store.clients[client.id].cursor == 1)


async def test_a_clean_stop_notes_everything() -> None:
    world = await World().begin()
    client = world.connect()
    await world.publish("a")
    world.poll(client)
    world.poll(client, cursor=1)
    world.send(client, 1)
    await settle()
    world.hub.handled(client, 1)
    await world.queue.stop()
    assert world.store.clients[client.id][4:7] == (1, 1, 1)
    assert world.store.items == {}
