"""Concurrent calls with the durable queue: none is forgotten by a kill, and none is answered twice."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.queue_world import World, settle
from tests.support.serving import until
from thywill import Application, Client, rpc
from thywill.core.envelope import Item

pytestmark = pytest.mark.gen_test


class Slow(Application):
    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.runs: list[Any] = []

    @rpc(concurrent=True)
    async def fetch(self, client: Client) -> str:
        self.runs.append("fetch")
        await client.send("wait a moment")
        await self.gate.wait()
        return "done"

    async def on_message(self, client: Client, message: Any) -> None:
        self.runs.append(message)
        await client.send(message)


async def test_a_call_that_a_kill_has_ended_runs_again_with_what_came_after_it() -> None:
    application = Slow()
    world = await World(application=application).begin()
    client = world.hub.create("chat", "session")
    world.poll(client)
    world.hub.receive(client, [Item(1, [], "fetch"), Item(2, "text")], lambda *_: None)
    await until(lambda: application.runs == ["fetch", "text"])
    await settle()
    assert world.store.clients[client.id].handled == 0
    world = await world.killed()
    client = world.again(client)
    await until(lambda: len(application.runs) == 4)
    application.gate.set()
    await until(lambda: world.store.clients[client.id].handled == 2)
    assert [item[1:] for item in world.poll(client)] == [
        ["wait a moment"],
        ["text"],
        [{"result": "done"}, 1],
    ]
