"""Late clients: what they have missed, and then everything that follows, also over restarts."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, cast

import pytest

from tests.support.queue_world import World
from thywill.application import Application
from thywill.client import Client
from thywill.core.changes import StoredItem
from thywill.core.envelope import Item
from thywill.errors import Unavailable
from thywill.hub.client import LiveClient

pytestmark = pytest.mark.gen_test


class Board(Application):
    """Publishes what it is told; who says ``enter`` enters with what it has missed."""

    history = {"all": 3}

    def __init__(self) -> None:
        self.score = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def on_message(self, client: Client, message: Any) -> None:
        if message == "enter":
            await self.subscribe(client, "all", replay=True)
        elif message == "look":
            await self.subscribe(client, "score", snapshot=self.look)
        elif message == "point":
            self.score += 1
            await self.publish("score", self.score)
        else:
            await self.publish("all", message)

    async def look(self) -> int:
        seen = self.score
        await self.gate.wait()
        return -seen


async def begin() -> World:
    return await World(application=Board()).begin()


def join(world: World) -> LiveClient:
    client = world.hub.create("chat", "session")
    world.poll(client)
    return client


def say(world: World, client: LiveClient, *texts: str) -> None:
    first = client.inbox.received + 1
    items = [Item(first + place, text) for place, text in enumerate(texts)]
    world.hub.receive(client, items, lambda *_: None)


async def until_quiet(world: World) -> None:
    for _ in range(60):
        await asyncio.sleep(0)


def got(world: World, client: LiveClient) -> list[Any]:
    """Return what the page would deliver: packs are taken apart."""
    messages: list[Any] = []
    for item in world.poll(client):
        messages += item[1] if item[2:] == ["pack"] else [item[1]]
    return messages


async def test_a_late_client_gets_the_last_messages_and_then_the_others() -> None:
    world = await begin()
    one, late = join(world), join(world)
    say(world, one, "a", "b", "c", "d")
    await until_quiet(world)
    say(world, late, "enter")
    say(world, one, "e")
    await until_quiet(world)
    say(world, one, "f")
    await until_quiet(world)
    assert got(world, late) in (["b", "c", "d", "e", "f"], ["c", "d", "e", "f"])


async def test_no_message_is_missing_or_doubled_however_the_turns_fall() -> None:
    for turns in range(25):
        world = await begin()
        one, late = join(world), join(world)
        await until_quiet(world)
        say(world, one, "a", "b", "c", "d", "e")
        for _ in range(turns):
            await asyncio.sleep(0)
        say(world, late, "enter")
        await until_quiet(world)
        await until_quiet(world)
        messages = got(world, late)
        assert messages == ["a", "b", "c", "d", "e"][-len(messages) :]
        assert len(messages) >= 3


async def test_what_is_published_while_a_snapshot_is_taken_follows_it() -> None:
    world = await begin()
    board = cast(Board, world.application)
    one, late = join(world), join(world)
    say(world, one, "point", "point")
    await until_quiet(world)
    board.gate.clear()
    say(world, late, "look")
    await until_quiet(world)
    say(world, one, "point")
    await until_quiet(world)
    board.gate.set()
    await until_quiet(world)
    say(world, one, "point")
    await until_quiet(world)
    assert got(world, late) == [-2, 3, 4]


async def test_the_history_survives_a_restart() -> None:
    world = await begin()
    one = join(world)
    say(world, one, "a", "b", "c", "d")
    await until_quiet(world)
    world = await world.killed()
    late = join(world)
    say(world, late, "enter")
    await until_quiet(world)
    assert got(world, late) == ["b", "c", "d"]


async def test_the_log_is_trimmed_around_the_history() -> None:
    world = await begin()
    one = join(world)
    say(world, one, "a", "b", "c", "d")
    say(world, one, "point")
    await until_quiet(world)
    for application, position in list(world.queue._positions.items()):
        await world.queue._trim(application, position)
    left = sorted(row.data for row in world.store.messages.values())
    assert left == ['"b"', '"c"', '"d"', "1"]


async def test_an_entry_that_cannot_be_saved_did_not_happen() -> None:
    world = await begin()
    one = join(world)
    say(world, one, "a")
    await until_quiet(world)
    world.store.fault = "refuse"
    with pytest.raises(Unavailable):
        await world.actions.replay(one, "all", 1000)
    world.store.fault = None
    assert world.actions.clients_of("chat", "all") == []
    await world.actions.replay(one, "all", 1000)
    await world.publish("b")
    assert got(world, one) == ["a", "b"]
    assert [row.channel for row in world.store.subscriptions] == ['"all"']


async def test_an_entry_whose_step_runs_again_happens_once() -> None:
    world = await begin()
    one, late = join(world), join(world)
    say(world, one, "a", "b")
    await until_quiet(world)
    before = world.store.copy()
    say(world, late, "enter")
    await until_quiet(world)
    # The store as it was when the entry was safe, and the end of its step was not.
    stored = dict(world.store.messages), list(world.store.subscriptions)
    clients, _, items, _ = before
    world.store.clients, world.store.items = clients, dict(items)
    world.store.messages, world.store.subscriptions = stored
    world = await world.killed()
    await world.publish("c")
    await until_quiet(world)
    assert got(world, world.again(late)) == ["a", "b", "c"]


async def test_a_channel_without_history_cannot_be_replayed() -> None:
    world = await begin()
    one = join(world)
    with pytest.raises(ValueError, match="keeps no history: declare history"):
        await world.actions.replay(one, "score", 1000)


async def test_two_entries_of_one_step_are_told_apart_when_it_runs_again() -> None:
    class Both(Board):
        async def on_message(self, client: Client, message: Any) -> None:
            await super().on_message(client, message)
            if message == "enter":
                await self.subscribe(client, "score", snapshot="snapshot")

    world = await World(application=Both()).begin()
    one, late = join(world), join(world)
    say(world, one, "a")
    await until_quiet(world)
    clients, items = dict(world.store.clients), dict(world.store.items)
    say(world, late, "enter")
    await until_quiet(world)
    row = world.store.clients[late.id]
    world.store.clients = clients | {late.id: row._replace(handled=0)}
    world.store.items = items | {(late.id, 1): StoredItem(late.id, 1, '[1,"enter"]')}
    world = await world.killed()
    await until_quiet(world)
    assert got(world, world.again(late)) == ["a", "snapshot"]


async def test_a_list_of_people_and_an_entry_are_told_apart_when_their_step_runs_again() -> None:
    class Both(Board):
        presence: ClassVar[list[str]] = ["people"]

        async def on_message(self, client: Client, message: Any) -> None:
            if message == "enter":
                await self.subscribe(client, "people")
            await super().on_message(client, message)

    world = await World(application=Both()).begin()
    one, late = join(world), join(world)
    say(world, one, "a")
    await until_quiet(world)
    clients, items = dict(world.store.clients), dict(world.store.items)
    say(world, late, "enter")
    await until_quiet(world)
    await until_quiet(world)
    row = world.store.clients[late.id]
    world.store.clients = clients | {late.id: row._replace(handled=0)}
    world.store.items = items | {(late.id, 1): StoredItem(late.id, 1, '[1,"enter"]')}
    world = await world.killed()
    await until_quiet(world)
    await until_quiet(world)
    answer = world.poll(world.again(late))
    assert [item[1] for item in answer if item[2:] == ["pack"]] == [["a"]]
    assert len([item for item in answer if item[2:] == ["presence"] and not item[1].get("reset")]) == 1
