"""Messages that one client of a channel does not get."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.cluster import Cluster
from tests.support.queue_world import World
from thywill import Application, Client, on
from thywill.hub.client import LiveClient
from thywill.testing import run

pytestmark = pytest.mark.gen_test


class Board(Application):
    """Strokes go to all pages but the one that has drawn them."""

    history = {"board": 10}

    def __init__(self) -> None:
        self.gate = asyncio.Event()

    async def on_connect(self, client: Client) -> None:
        await self.subscribe(client, "board")

    async def on_message(self, client: Client, message: Any) -> None:
        await self.publish("board", message, exclude=client)
        await self.publish("board", [message])

    @on("replay")
    async def again(self, client: Client) -> None:
        await self.unsubscribe(client, "board")
        await self.subscribe(client, "board", replay=True)

    async def late(self) -> str:
        await self.gate.wait()
        return "snapshot"


async def test_all_others_get_it() -> None:
    async with run(Board) as app:
        ada, bob, cem = [await app.connect() for _ in range(3)]
        await ada.send("line")
        assert await ada.all() == [["line"]]
        assert await bob.all() == await cem.all() == ["line", ["line"]]


async def test_the_past_of_the_channel_has_it_for_everybody() -> None:
    async with run(Board) as app:
        ada = await app.connect(session="ada")
        await ada.send("line")
        assert await ada.all() == [["line"]]
        await ada.send({"type": "replay"})
        assert await ada.all() == ["line", ["line"]]
        reloaded = await app.connect(session="ada")
        await reloaded.send({"type": "replay"})
        assert await reloaded.all() == ["line", ["line"]]


async def test_what_is_sent_while_a_snapshot_is_taken_excludes_as_ever() -> None:
    async with run(Board) as app:
        ada, board = await app.connect(), app.application
        await board.unsubscribe(ada.client, "board")
        entering = asyncio.ensure_future(board.subscribe(ada.client, "board", snapshot=board.late))
        await app.settle()
        await board.publish("board", 1, exclude=ada.client)
        await board.publish("board", 2)
        board.gate.set()
        await entering
        assert await ada.all() == ["snapshot", 2]


async def test_it_takes_a_client_and_nothing_else() -> None:
    async with run(Board) as app:
        ada = await app.connect()
        for wrong in (ada.client.id, ada.client.session, [ada.client]):
            with pytest.raises(TypeError, match="a client is the object that hooks get"):
                await app.application.publish("board", 1, exclude=wrong)


async def settle() -> None:
    for _ in range(60):
        await asyncio.sleep(0)


async def test_a_restart_of_the_server_brings_it_to_the_others_alone() -> None:
    world = await World(application=Board()).begin()
    clients: list[LiveClient] = []
    for _ in range(2):
        clients.append(world.hub.create("chat", "session"))
        world.poll(clients[-1])
        await settle()
    assert world.application is not None
    publish = world.application.publish
    await publish("board", "line", exclude=world.handle(clients[0]))
    await publish("board", ["line"])
    world = await world.killed()
    got = [[item[1] for item in world.poll(world.again(each))] for each in clients]
    assert got == [[["line"]], ["line", ["line"]]]


async def test_a_page_that_changes_servers_does_not_get_it() -> None:
    cluster = await Cluster({"chat": Board}).start(2)
    ada, bob = [await cluster.connected(server) for server in cluster.servers]
    await settle()
    await ada.send(cluster.servers[1], "line")
    assert await ada.receive(1, cluster.servers[1], cluster.servers[0]) == [["line"]]
    assert await bob.receive(2, cluster.servers[0], cluster.servers[1]) == ["line", ["line"]]
    await cluster.stop()
