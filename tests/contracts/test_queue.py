"""What every queue promises, seen from the hub: in memory, in a database, and shared in Redis or Valkey."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import pytest

from tests.support.cluster import ClusterPage
from tests.support.databases import Servers
from tests.support.engines import KINDS, SHARED, SURVIVE, Engine, EnginePlace
from tests.support.redis_servers import Redises
from tests.support.serving import until
from thywill import Application, Client, rpc
from thywill.core.envelope import Item
from thywill.core.message import Address, Message
from thywill.core.publication import Mark, Publication
from thywill.errors import Conflict, Gap, Gone, Reused

pytestmark = pytest.mark.gen_test

NEWS = Address.channel("news")
MakePlace = Callable[[str], EnginePlace]


class Room(Application):
    """Publishes what pages say, and does what they ask for; ``journal`` has what its hooks have seen."""

    journal: ClassVar[list[tuple[Any, ...]]] = []
    history: ClassVar[dict[str, int]] = {"board": 3}

    async def on_connect(self, client: Client) -> None:
        self.journal.append(("connect", client.session))
        await self.subscribe(client, "room")

    async def on_resume(self, client: Client) -> None:
        self.journal.append(("resume", client.session, dict(client.data), sorted(client.channels)))

    async def on_message(self, client: Client, message: Any) -> None:
        self.journal.append(("message", message))
        client.data["last"] = message
        word, _, rest = str(message).partition(" ")
        if word == "enter":
            await self.subscribe(client, rest)
        elif word == "leave":
            await self.unsubscribe(client, rest)
        elif word == "replay":
            await self.subscribe(client, rest, replay=True)
        elif word == "snapshot":
            await self.subscribe(client, rest, snapshot=lambda: "a snapshot")
        elif word == "session":
            await self.send_to_session(rest, message)
        elif word == "end":
            await client.disconnect("enough")
        else:
            await self.publish(rest or "room", message)

    async def on_disconnect(self, client: Client) -> None:
        self.journal.append(("disconnect", client.session))

    @rpc
    async def double(self, client: Client, number: int) -> int:
        return 2 * number


def seen(kind: str) -> list[tuple[Any, ...]]:
    return [event[1:] for event in Room.journal if event[0] == kind]


@pytest.fixture(autouse=True)
def fresh() -> None:
    Room.journal = []


@pytest.fixture
def make_place(tmp_path: Path, servers: Servers, redises: Redises) -> MakePlace:
    return partial(EnginePlace, folder=tmp_path, servers=servers, redises=redises)


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, make_place: MakePlace) -> EnginePlace:
    return make_place(request.param)


@pytest.fixture(params=SURVIVE)
def lasting(request: pytest.FixtureRequest, make_place: MakePlace) -> EnginePlace:
    return make_place(request.param)


# To the browser.


async def test_messages_arrive_once_and_in_order(place: EnginePlace) -> None:
    async with place.serving(Room) as engine:
        pages = [await engine.new_page(name) for name in ("ann", "bob")]
        await until(lambda: len(seen("connect")) == 2)
        for number in range(30):
            await pages[number % 2].send(engine, f"say{number}")
        for page in pages:
            assert await page.receive(30, engine) == [f"say{number}" for number in range(30)]
            assert page.ids == sorted(set(page.ids))
        assert pages[0].ids == pages[1].ids


async def test_what_is_not_acknowledged_comes_again(place: EnginePlace) -> None:
    async with place.serving(Room) as engine:
        page = await engine.new_page()
        began = page.cursor
        await page.send(engine, "one", "two")
        await until(lambda: len(engine.room.directory.clients[page.id].outbox) == 2)
        await page.receive(2, engine)
        again = ClusterPage(page.id, page.token, began)
        assert await again.receive(2, engine) == ["one", "two"]
        assert again.ids == page.ids
        await page.poll(engine)  # acknowledges them
        await page.send(engine, "three")
        assert (await page.receive(3, engine))[2:] == ["three"]


async def test_a_client_gets_what_follows_its_entering_a_channel(place: EnginePlace) -> None:
    async with place.serving(Room) as engine:
        page, other = await engine.new_page("ann"), await engine.new_page("bob")
        await other.send(engine, "1 side", "enter side", "2 side", "leave side", "3 side", "room")
        assert await other.receive(2, engine) == ["2 side", "room"]
        assert await page.receive(1, engine) == ["room"]


async def test_late_clients_get_the_past_exactly(place: EnginePlace) -> None:
    async with place.serving(Room) as engine:
        page, other = await engine.new_page("ann"), await engine.new_page("bob")
        await other.send(engine, *(f"{number} board" for number in range(5)))
        await until(lambda: len(seen("message")) == 5)
        await page.send(engine, "replay board")
        await until(lambda: len(seen("message")) == 6)
        await other.send(engine, "5 board")
        past = [[f"{number} board" for number in (2, 3, 4)], "pack"]
        assert await page.receive(2, engine) == [past, "5 board"]


async def test_a_snapshot_comes_before_all_that_follows(place: EnginePlace) -> None:
    async with place.serving(Room) as engine:
        page, other = await engine.new_page("ann"), await engine.new_page("bob")
        await page.send(engine, "snapshot board")
        await until(lambda: len(seen("message")) == 1)
        await other.send(engine, "1 board")
        assert await page.receive(2, engine) == [[["a snapshot"], "pack"], "1 board"]


async def test_a_message_for_a_session_reaches_all_of_its_pages(place: EnginePlace) -> None:
    async with place.serving(Room) as engine:
        pages = [await engine.new_page(name) for name in ("ann", "ann", "bob")]
        await pages[2].send(engine, "session ann", "hello")
        for page in pages[:2]:
            assert await page.receive(2, engine) == ["session ann", "hello"]
        assert await pages[2].receive(1, engine) == ["hello"]


async def test_a_page_that_reads_too_slowly_is_told_how_much_it_has_missed(place: EnginePlace) -> None:
    async with place.serving(Room, messages=10) as engine:
        page, slow = await engine.new_page("ann"), await engine.new_page("bob")
        for number in range(25):
            await page.send(engine, f"say{number}")
            await page.receive(number + 1, engine)
        await slow.poll(engine)
        assert slow.got == [f"say{number}" for number in range(15, 25)]
        assert slow.lost == 15


# To the server.


async def test_the_browsers_messages_are_handled_once(place: EnginePlace) -> None:
    async with place.serving(Room) as engine:
        page = await engine.new_page()
        items = [Item(number, f"say{number}") for number in (1, 2, 3)]
        assert await page.send_items(engine, items[:2]) == 2
        assert await page.send_items(engine, items) == 3
        with pytest.raises(Gap):
            await page.send_items(engine, [Item(5, "say5")])
        with pytest.raises(Conflict):
            await page.send_items(engine, [Item(3, "another")])
        await page.receive(3, engine)
        assert seen("message") == [("say1",), ("say2",), ("say3",)]


async def test_a_call_is_answered_once(place: EnginePlace) -> None:
    async with place.serving(Room) as engine:
        page = await engine.new_page()
        items = [Item(1, [21], "double"), Item(2, "say")]
        for _ in range(2):
            await page.send_items(engine, items)
        assert await page.receive(2, engine) == [[{"result": 42}, 1], "say"]


# Comings and goings.


async def test_a_page_that_leaves_is_gone(place: EnginePlace) -> None:
    async with place.serving(Room) as engine:
        page = await engine.new_page()
        await page.send(engine, "before")
        await page.receive(1, engine)
        page.leave(engine)
        await until(lambda: seen("disconnect") == [("ann",)])
        with pytest.raises(Gone):
            await page.poll(engine)


async def test_a_client_that_is_ended_learns_why_and_no_more_of_it_is_handled(place: EnginePlace) -> None:
    async with place.serving(Room) as engine:
        page = await engine.new_page()
        await page.send(engine, "before")
        await page.receive(1, engine)
        parked = await page.poll(engine, 25.0)
        await page.send(engine, "end", "too late")
        await until(lambda: bool(parked.calls))
        assert parked.answer == {"gone": "enough"}
        await until(lambda: seen("disconnect") == [("ann",)])
        assert seen("message") == [("before",), ("end",)]
        with pytest.raises(Gone, match="enough"):
            await page.poll(engine)


# From outside.


def news(data: bytes, publication_id: str | None = None) -> Publication:
    mark = publication_id and Mark.of("chat", publication_id, NEWS, data.decode(), None)
    return Publication("chat", NEWS, Message(data), mark or None)


async def test_a_message_from_outside_comes_once_for_each_id(place: EnginePlace) -> None:
    async with place.serving(Room) as engine:
        page = await engine.new_page()
        await page.send(engine, "enter news")
        await until(lambda: len(seen("message")) == 1)
        first = await engine.queue.publish([news(b'"1"', "a"), news(b'"2"')])
        again = await engine.queue.publish([news(b'"3"', "b"), news(b'"1"', "a")])
        assert again[1] == first[0]
        with pytest.raises(Reused):
            await engine.queue.publish([news(b'"4"'), news(b'"5"', "a")])
        await page.send(engine, "enough news")
        assert await page.receive(4, engine) == ["1", "2", "3", "enough news"]
        assert page.ids[:3] == [*first, again[0]]


# A restart.


async def test_everything_goes_on_after_a_restart(lasting: EnginePlace) -> None:
    async with lasting.serving(Room) as engine:
        page, away = await engine.new_page("ann"), await engine.new_page("bob")
        await page.send(engine, "enter side", "one", "1 board")
        await page.receive(1, engine)
        await finished(engine)
    async with lasting.serving(Room) as engine:
        await until(lambda: len(seen("resume")) == 2)
        assert ("ann", {"last": "1 board"}, ["room", "side"]) in seen("resume")
        assert await away.receive(1, engine) == ["one"]
        await page.send(engine, "replay board", "2 side")
        assert (await page.receive(3, engine))[1:] == [[["1 board"], "pack"], "2 side"]
        assert await page.send_items(engine, [Item(3, "1 board")]) == 5  # a repeat
        assert len(seen("connect")) == 2
        await page.send(engine, "end")
        await until(lambda: seen("disconnect") == [("ann",)])


async def finished(engine: Engine) -> None:
    """Wait until the hooks have ended."""
    await until(lambda: not engine.applications._mailboxes and len(seen("message")) == 3)
    await asyncio.sleep(0)


async def test_a_queue_in_memory_ends_with_its_server(make_place: MakePlace) -> None:
    place = make_place("memory")
    async with place.serving(Room) as engine:
        page = await engine.new_page()
    async with place.serving(Room) as engine:
        with pytest.raises(Gone):
            await page.poll(engine)


def test_queues_that_are_shared_survive() -> None:
    assert set(SHARED) < set(SURVIVE) < set(KINDS)
