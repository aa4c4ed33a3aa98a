"""Presence, as an application and its pages see it."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.queue_world import World
from tests.support.serving import until
from thywill.application import Application
from thywill.client import Client
from thywill.core.person import public_id
from thywill.core.presence import Person
from thywill.core.user import User
from thywill.hub.actions import PRESENCE_PREFIX
from thywill.hub.client import LiveClient
from thywill.testing import run

pytestmark = pytest.mark.gen_test

SESSIONS = {name: public_id(name) for name in ("ada", "bob", "cem")}


class Lobby(Application):
    presence = ["lobby"]
    leave_after = 0.05

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    async def on_connect(self, client: Client) -> None:
        await self.subscribe(client, "lobby")
        await self.subscribe(client, "other")

    async def on_message(self, client: Client, message: Any) -> None:
        await self.unsubscribe(client, "lobby")

    async def on_join(self, channel: str, person: Person) -> None:
        self.events.append(("join", person["id"]))

    async def on_leave(self, channel: str, person: Person) -> None:
        self.events.append(("leave", person["id"]))


async def join(world: World, session: str) -> LiveClient:
    client = world.hub.create("chat", session)
    world.poll(client)
    await until_quiet()
    return client


async def until_quiet() -> None:
    for _ in range(40):
        await asyncio.sleep(0)


def seen(world: World, client: LiveClient) -> list[tuple[list[str], list[str]]]:
    """Return the presence events that wait for a client, with names in place of ids."""
    names = {number: name for name, number in SESSIONS.items()}
    items = [item for item in world.poll(client) if item[2:] == ["presence"]]
    assert all(item[1]["channel"] == "lobby" for item in items)
    return [
        ([names[each["id"]] for each in item[1]["joined"]], [names[each["id"]] for each in item[1]["left"]])
        for item in items
    ]


async def test_the_others_are_told_and_the_newcomer_gets_everybody() -> None:
    world = await World(application=Lobby()).begin()
    ada, bob = await join(world, "ada"), await join(world, "bob")
    assert seen(world, ada) == [(["ada"], []), (["bob"], [])]
    assert seen(world, bob) == [(["ada", "bob"], [])]
    assert world.application is not None
    there = [person["id"] for person in world.application.people("lobby")]
    assert there == [SESSIONS["ada"], SESSIONS["bob"]]
    assert world.application.people("other") == []


async def test_a_second_page_and_a_reload_are_not_told() -> None:
    async with run(Lobby) as app:
        ada, bob = await app.connect(session="ada"), await app.connect(session="bob")
        second = await app.connect(session="bob")
        await bob.leave()
        await app.advance(0.04)
        await second.leave()
        await app.advance(0.04)
        again = await app.connect(session="bob")
        await app.advance(1.0)
        assert [event["left"] for event in ada.presence] == [[], []]
        assert [len(event["joined"]) for event in again.presence] == [2]
        await again.leave()
        await app.advance(0.05)
        assert ada.presence[-1]["left"] == [{"id": SESSIONS["bob"]}]
        assert app.application.events == [
            ("join", SESSIONS["ada"]),
            ("join", SESSIONS["bob"]),
            ("leave", SESSIONS["bob"]),
        ]


async def test_a_client_that_goes_before_its_hook_subscribes_it_does_not_stay() -> None:
    class Thoughtful(Lobby):
        async def on_connect(self, client: Client) -> None:
            await asyncio.sleep(1.0)
            await self.subscribe(client, "lobby")

    async with run(Thoughtful) as app:
        page = await app.connect(session="ada")
        await page.leave()
        await app.advance(10.0)
        assert app.application.people("lobby") == []
        assert app.application.events == []


async def test_the_channel_beside_is_not_shown() -> None:
    world = await World(application=Lobby()).begin()
    ada = await join(world, "ada")
    assert sorted(world.handle(ada).channels) == ["lobby", "other"]


async def test_after_a_restart_the_pages_are_told_who_is_there() -> None:
    world = await World(application=Lobby()).begin()
    ada, bob = await join(world, "ada"), await join(world, "bob")
    seen(world, ada)
    world.hub.leave(bob)
    await until_quiet()
    world.application = Lobby()
    world = await world.killed()
    await until_quiet()
    reset = [item[1] for item in world.poll(world.again(ada)) if item[1].get("reset")]
    assert [[person["id"] for person in each["joined"]] for each in reset] == [[SESSIONS["ada"]]]
    assert isinstance(world.application, Lobby)
    assert world.application.events == []


async def test_a_test_of_an_application_sees_who_is_there() -> None:
    class Slow(Lobby):
        leave_after = 5.0

    async with run(Slow) as app:
        ada, bob = await app.connect(session="ada"), await app.connect(session="bob")
        await ada.next_presence()
        assert (await ada.next_presence())["joined"] == [{"id": SESSIONS["bob"]}]
        assert len((await bob.next_presence())["joined"]) == 2
        await bob.leave()
        await app.advance(4.9)
        assert not ada.presence
        await app.advance(0.1)
        assert (await ada.next_presence())["left"] == [{"id": SESSIONS["bob"]}]
        assert app.application.people("lobby") == [{"id": SESSIONS["ada"]}]


async def test_those_who_join_and_leave_in_one_turn_are_one_event() -> None:
    world = await World(application=Lobby()).begin()
    first = await join(world, "ada")
    crowd = [world.hub.create("chat", f"person {number}") for number in range(60)]
    for client in crowd:
        world.poll(client)
    await until_quiet()
    await until_quiet()
    events = [item[1] for item in world.poll(first) if item[2:] == ["presence"]]
    assert [len(event["joined"]) for event in events] == [1, 60]
    assert [len(item[1]["joined"]) for item in world.poll(crowd[0])] == [61]
    for client in crowd[:50]:
        world.hub.leave(client)
    assert world.application is not None
    lobby = world.application
    await until(lambda: len(lobby.people("lobby")) == 11)
    await until_quiet()
    events = [item[1] for item in world.poll(first) if item[2:] == ["presence"]][2:]
    assert sum(len(event["left"]) for event in events) == 50
    assert len(events) < 10  # one for each turn in which somebody's time was over


async def test_lists_and_events_agree_however_the_turns_fall() -> None:
    for turns in range(12):
        world = await World(application=Lobby()).begin()
        clients = []
        for number in range(8):
            client = world.hub.create("chat", f"person {number % 6}")
            clients.append(client)
            world.poll(client)
            for _ in range(turns * (number % 3)):
                await asyncio.sleep(0)
        await until_quiet()
        await until_quiet()
        assert world.application is not None
        there = sorted(person["id"] for person in world.application.people("lobby"))
        for client in clients:
            joined = [each["id"] for item in world.poll(client) for each in item[1]["joined"]]
            assert sorted(joined) == there, f"after {turns} turns"


async def test_where_many_listen_there_is_a_pause_between_two_events(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thywill.hub.attendance.LARGE_CHANNEL", 3)
    monkeypatch.setattr("thywill.hub.attendance.DELIVERIES_PER_SECOND", 10)
    async with run(Lobby) as app:
        pages = [await app.connect() for _ in range(3)]
        late = [await app.connect() for _ in range(5)]
        assert [len(event["joined"]) for event in pages[0].presence] == [1, 1, 1, 1]
        await app.advance(0.3)
        assert [len(event["joined"]) for event in pages[0].presence] == [1, 1, 1, 1, 4]
        assert [len(event["joined"]) for event in late[-1].presence] == [8]


async def test_a_page_that_is_in_the_channel_gets_the_list_once() -> None:
    async with run(Lobby) as app:
        page = await app.connect()
        await app.application.subscribe(page.client, "lobby")
        assert [len(event["joined"]) for event in page.presence] == [1]


async def test_who_leaves_while_an_event_is_sent_is_not_put_back() -> None:
    async with run(Lobby) as app:
        page = await app.connect()
        lobby = app.application
        await lobby.unsubscribe(page.client, "lobby")
        await app.advance(1.0)
        entering = asyncio.ensure_future(lobby.subscribe(page.client, "lobby"))
        await asyncio.sleep(0)
        await lobby.unsubscribe(page.client, "lobby")
        await entering
        await app.advance(1.0)
        assert (lobby.people("lobby"), lobby.clients("lobby")) == ([], [])
        assert len(page.presence) == 1


async def test_a_membership_that_was_half_saved_at_a_kill_is_mended() -> None:
    world = await World(application=Lobby()).begin()
    ada, bob = await join(world, "ada"), await join(world, "bob")
    world.actions.unsubscribe(
        ada, PRESENCE_PREFIX + "lobby"
    )  # as if killed before it had entered the one beside
    world.actions.unsubscribe(bob, "lobby")
    await world.committed()
    world.application = Lobby()
    world = await world.killed()
    await until_quiet()
    world.poll(world.again(ada))
    await join(world, "cem")
    assert seen(world, world.again(ada))[-1] == (["cem"], [])
    assert (["cem"], []) not in seen(world, world.again(bob))


async def test_ten_thousand_channels_are_entered_and_left() -> None:
    class Many(Lobby):
        presence = ["room:*"]

        async def on_connect(self, client: Client) -> None:
            for number in range(10_000):
                await self.subscribe(client, f"room:{number}")

    async with run(Many) as app:
        page, other = await app.connect(), await app.connect()
        assert {len(event["joined"]) for event in page.presence} == {1}
        assert {len(event["joined"]) for event in other.presence} == {2}
        await page.leave()
        await app.advance(1.0)
        told = sum(len(event["left"]) for event in other.presence)
        assert told + other.lost == 10_000  # more events at once than may wait for a page
        assert other.lost
        await other.leave()
        await app.advance(1.0)
        assert app.application.people("room:7") == []
        assert len(app.application.events) == 40_000


async def test_who_logs_in_is_told_with_the_user() -> None:
    async with run(Lobby) as app:
        ada, bob = await app.connect(session="ada"), await app.connect(session="bob")
        again = await app.connect(session="ada", user=User("17", "Ada"))
        known = {"id": SESSIONS["ada"], "user": "17", "name": "Ada"}
        assert bob.presence[-1] == {"channel": "lobby", "joined": [known], "left": []}
        assert known in again.presence[0]["joined"]
        assert app.application.people("lobby")[0] == known
        assert app.application.events == [("join", SESSIONS["ada"]), ("join", SESSIONS["bob"])]
        await ada.leave()
        await again.leave()
        await app.advance(1.0)
        assert bob.presence[-1]["left"] == [known]
