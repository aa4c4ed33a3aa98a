"""Channels that a whole session is in: all pages of one browser, also those that are opened later."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.cluster import Cluster, ClusterPage, Server
from tests.support.queue_world import World
from tests.support.serving import until
from thywill import Application, Client
from thywill.hub.client import LiveClient
from thywill.testing import run

pytestmark = pytest.mark.gen_test


class Rooms(Application):
    """A page moves its whole session into a room by its name, and out of it by ``-name``."""

    history = {"kept": 10}
    presence = ["people"]

    async def on_connect(self, client: Client) -> None:
        await client.send(client.channels)

    async def on_message(self, client: Client, message: Any) -> None:
        if message.startswith("-"):
            await self.unsubscribe(client.session, message[1:])
        elif message.startswith("!"):
            await self.publish(message[1:], message)
        else:
            await self.subscribe(client.session, message)


async def test_present_and_future_pages_are_in_it_before_their_first_hook() -> None:
    async with run(Rooms) as app:
        one, two = [await app.connect(session="ada") for _ in range(2)]
        other = await app.connect(session="bob")
        await one.send("news")
        three = await app.connect(session="ada")
        await app.application.publish("news", 1)
        assert [await page.all() for page in (one, two, three)] == [[[], 1], [[], 1], [["news"], 1]]
        assert await other.all() == [[]]


async def test_no_page_present_or_future_is_in_it_after_the_end() -> None:
    async with run(Rooms) as app:
        one, two = [await app.connect(session="ada") for _ in range(2)]
        await one.send("news", "-news")
        three = await app.connect(session="ada")
        await app.application.publish("news", 1)
        assert [await page.all() for page in (one, two, three)] == [[[]], [[]], [[]]]
        assert app.application.clients("news") == []


async def test_a_repeated_subscription_changes_nothing() -> None:
    async with run(Rooms) as app:
        one = await app.connect(session="ada")
        await one.send("news", "news")
        await app.application.subscribe(one.client, "news")
        await app.application.publish("news", 1)
        assert await one.all() == [[], 1]
        await one.send("-news")
        assert one.client.channels == []


async def test_a_reload_of_the_only_page_stays_in_it_and_a_minute_ends_it() -> None:
    async with run(Rooms) as app:
        page = await app.connect(session="ada")
        await page.send("news")
        for pause, channels in ((59.0, ["news"]), (61.0, [])):
            await page.leave()
            await app.advance(pause)
            page = await app.connect(session="ada")
            assert await page.next() == channels


async def test_each_reload_begins_the_minute_anew() -> None:
    async with run(Rooms) as app:
        page = await app.connect(session="ada")
        await page.send("news")
        for _ in range(2):  # the second time, the minute of the first one ends while no page is there
            await page.leave()
            await app.advance(31.0)
            page = await app.connect(session="ada")
            assert await page.next() == ["news"]


async def test_a_session_without_a_page_is_remembered_for_a_minute() -> None:
    async with run(Rooms) as app:
        await app.application.subscribe("ada", "news")
        await app.advance(59.0)
        page = await app.connect(session="ada")
        await app.advance(100.0)
        assert [page.client.channels, page.client.data] == [["news"], {}]
        await app.application.subscribe("bob", "news")
        await app.advance(61.0)
        assert (await app.connect(session="bob")).client.channels == []


async def test_its_people_are_told_as_those_of_any_channel() -> None:
    async with run(Rooms) as app:
        one, bob = await app.connect(session="ada"), await app.connect(session="bob")
        await bob.send("people")
        await one.send("people", "people")
        two = await app.connect(session="ada")
        for page in (one, two):
            assert [len(event["joined"]) for event in page.presence] == [2]
        assert [len(event["joined"]) for event in bob.presence] == [1, 1]
        await two.send("-people")
        await app.advance(5.0)
        assert [len(event["left"]) for event in bob.presence] == [0, 0, 1]


async def test_what_cannot_be_subscribed_is_told() -> None:
    async with run(Rooms) as app:
        page = await app.connect()
        for wrong, options, text in (
            (page.client.id, {}, "this is the id of a client: pass the client, or client.session"),
            (page.session, {"replay": True}, "replay and snapshot are for one client"),
            (page.session, {"snapshot": None}, "replay and snapshot are for one client"),
            (None, {}, "a client is the object that hooks get, not NoneType"),
        ):
            with pytest.raises(TypeError, match=text):
                await app.application.subscribe(wrong, "news", **options)
        with pytest.raises(TypeError, match="this is the id of a client"):
            await app.application.unsubscribe(page.client.id, "news")
        for act in (app.application.subscribe, app.application.unsubscribe):
            with pytest.raises(ValueError, match="may not begin with NUL"):
                await act(page.session, "\0session news")
        with pytest.raises(ValueError, match="may not begin with NUL"):
            await app.application.publish("\0presence people", 1)


async def settle() -> None:
    for _ in range(80):
        await asyncio.sleep(0)


async def join(world: World, session: str = "ada") -> LiveClient:
    client = world.hub.create("chat", session)
    world.poll(client)
    await settle()
    return client


async def test_it_outlives_a_restart_of_the_server() -> None:
    world = await World(application=Rooms()).begin()
    one = await join(world)
    assert world.application is not None
    for channel in ("news", "old"):
        await world.application.subscribe(one.session, channel)
    await world.application.unsubscribe(one.session, "old")
    await world.committed()
    world.application = Rooms()
    world = await world.killed()
    await settle()
    two = await join(world)
    assert [world.handle(each).channels for each in (world.again(one), two)] == [["news"], ["news"]]


async def connected(cluster: Cluster, server: Server) -> ClusterPage:
    page = await cluster.connected(server)
    await page.receive(1, server)
    return page


async def test_it_outlives_the_leader() -> None:
    cluster = await Cluster({"chat": Rooms}).start(2)
    leader = await cluster.leading()
    (other,) = cluster.others()
    one = await connected(cluster, other)
    await one.send(other, "news")
    await until(lambda: bool(leader.applications.application("chat").clients("news")))
    await leader.kill()
    cluster.memory.now += 10
    await cluster.leading()
    two = await connected(cluster, other)
    assert two.got == [["news"]]
    await one.send(other, "!news")
    assert (await two.receive(2, other))[1:] == (await one.receive(2, other))[1:] == ["!news"]
    await cluster.stop()
