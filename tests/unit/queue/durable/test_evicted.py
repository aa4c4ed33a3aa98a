"""Clients that the server disconnects: their messages are handled or dropped as they are without a kill."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.support.queue_world import World, settle
from tests.support.serving import until
from thywill.application import Application
from thywill.client import Client
from thywill.errors import Gone
from thywill.hub.client import LiveClient
from thywill.hub.step import CURRENT, DISCONNECTED, Step

pytestmark = pytest.mark.gen_test


class Strict(Application):
    """Disconnects a client that sends ``end``; lists the steps that ended."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.begun: list[Any] = []
        self.done: list[Any] = []

    async def on_message(self, client: Client, message: Any) -> None:
        self.begun.append(message)
        if message == "text 1":
            await client.disconnect("enough")
        await self.gate.wait()
        self.done.append(message)

    async def on_disconnect(self, client: Client) -> None:
        self.done.append("disconnect")


async def connected(world: World) -> LiveClient:
    client = world.hub.create("chat", "session")
    world.poll(client)
    await until(lambda: client.id in world.store.clients)
    await until(lambda: world.store.clients[client.id].handled == 0)
    return client


def reason(world: World, client: LiveClient) -> str:
    with pytest.raises(Gone) as raised:
        world.again(client)
    return str(raised.value)


@pytest.mark.parametrize("killed", [False, True])
async def test_the_step_in_progress_ends_and_no_other_begins(killed: bool) -> None:
    application = Strict()
    world = await World(application=application).begin()
    client = await connected(world)
    world.send(client, 1, 2, 3)
    await settle()
    assert world.answers == [3]
    if killed:
        world = await world.killed()
    await settle()
    application.gate.set()
    await until(lambda: application.done)
    await until(lambda: not world.store.clients)
    assert application.begun == ["text 1"] * (2 if killed else 1)
    assert application.done == ["text 1", "disconnect"]
    assert reason(world, client) == "enough"


@pytest.mark.parametrize("killed", [False, True])
async def test_the_same_holds_if_another_client_causes_the_disconnect(killed: bool) -> None:
    application = Strict()
    application.gate.set()
    world = await World(application=application).begin()
    client = await connected(world)
    client.inbox.received = client.begun = 1
    world.send(client, 2, 3)
    await until(lambda: application.done == ["text 2", "text 3"])
    application.gate.clear()
    world.send(client, 4, 5)
    await settle()
    world.actions.disconnect(client, "closing time")
    await until(lambda: world.store.clients[client.id].gone)
    if killed:
        world = await world.killed()
    await settle()
    application.gate.set()
    await until(lambda: not world.store.clients)
    assert application.done == ["text 2", "text 3", "text 4", "disconnect"]


@pytest.mark.parametrize(("begun", "left"), [(0, []), (1, [1]), (2, [1, 2])])
async def test_messages_whose_hook_has_not_begun_are_dropped(begun: int, left: list[int]) -> None:
    world = await World().begin()
    client = world.connect()
    world.send(client, 1, 2, 3)
    await settle()
    client.begun = begun
    world.actions.disconnect(client, "enough")
    await settle()
    row = world.store.clients[client.id]
    assert (row.received, row.evicted) == (begun, json.dumps("enough"))
    world = await world.killed()
    received = [f"received {client.id} {left}"] if left else []
    assert world.listener.events == [f"resumed {client.id}", *received, f"disconnected {client.id}"]


async def test_a_step_that_a_kill_interrupted_counts_as_begun() -> None:
    world = await World().begin()
    client = world.connect()
    world.send(client, 1, 2)
    await settle()
    CURRENT.set(cause := Step(client.id, 1))
    await world.publish("of step 1")
    cause.open = False
    world = await world.killed()
    world.actions.disconnect(world.again(client), "enough")
    await settle()
    world = await world.killed()
    last = f"disconnected {client.id}"
    assert world.listener.events == [f"resumed {client.id}", f"received {client.id} [1]", last]
    world.handled(client, 1)
    world.handled(client, DISCONNECTED)
    await world.publish("later")
    await world.queue._trim("chat", world.queue._positions["chat"])
    assert [message.data for message in world.store.messages.values()] == ['"later"']


async def test_a_step_that_cannot_have_begun_before_a_kill_does_not_count() -> None:
    world = await World().begin()
    client = world.hub.create("chat", "session")
    world.poll(client)
    world.send(client, 1)
    await settle()
    world = await world.killed()
    world.actions.disconnect(world.again(client), "enough")
    await settle()
    assert world.store.clients[client.id].received == 0


async def test_messages_in_flight_are_dropped_too() -> None:
    world = await World().begin()
    client = world.connect()
    await settle()
    world.store.fault = "hang"
    world.send(client, 1)
    await settle()
    world.actions.disconnect(client, "enough")
    world.store.release_waiting()
    await settle()
    world = await world.killed()
    assert world.listener.events == [f"resumed {client.id}", f"disconnected {client.id}"]


@pytest.mark.parametrize("text", ["enough", "", "\0\ud800 Zoë"])
async def test_the_next_server_gives_the_page_the_same_reason(text: str) -> None:
    world = await World().begin()
    client, left = world.connect(), world.connect()
    world.actions.disconnect(client, text)
    world.hub.leave(left)
    await settle()
    world = await world.killed()
    assert reason(world, client) == text
    assert reason(world, left).startswith("this server does not know this client: it has left")
