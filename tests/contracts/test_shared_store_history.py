"""The histories of channels, and the facts about clients, in the store that servers share."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support.redis_servers import Redises
from tests.support.shared_place import FACTS, LOBBY, StorePlace, opened
from thywill.core.history import HistoryBounds
from thywill.core.message import PACK, Address, Message
from thywill.core.publication import Mark
from thywill.queue.shared.operations import Append, Cause, Kept, Publish, SaveFacts, SendHistory
from thywill.queue.shared.rows import ClientRow, Membership, Posted

pytestmark = pytest.mark.gen_test

MUCH = 10**6
THREE = HistoryBounds(3)


@pytest.fixture(params=["fake", "redis", "valkey"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


async def post(
    place: StorePlace, number: int, data: str, bounds: HistoryBounds = THREE, name: str = "lobby", **more: Any
) -> int:
    kept = Kept(bounds, more.get("total", MUCH))
    message, cause = Message(json.dumps(data).encode()), Cause("a", number, "x")
    found: int = await place.do(Append("chat", place.fence, Address.channel(name), message, cause, kept))
    return found


async def replayed(
    place: StorePlace, number: int, bounds: HistoryBounds = THREE, name: str = "lobby", limit: int = 1000
) -> list[list[str]]:
    """Return the packs that the client ``a`` is sent."""
    before = await place.store.last("chat")
    operation = SendHistory("chat", place.fence, "a", name, bounds, limit, Cause("a", number, "replay"))
    position = await place.do(operation)
    entries = await place.log(before)
    packs = [entry for entry in entries if isinstance(entry, Posted)]
    assert all(entry.address == Address.client("a") for entry in packs)
    assert all(entry.message.reply_to == PACK for entry in packs)
    assert position in (0, *(entry.id for entry in entries[-1:]), before)
    return [json.loads(entry.message.data) for entry in packs]


async def test_a_late_client_gets_the_last_messages_and_then_the_channel(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        for number in range(5):
            await post(place, number, f"m{number}")
        await place.do(Append("chat", place.fence, LOBBY, Message(b'"not kept"'), Cause("a", 9, "x")))
        before = await place.store.last("chat")
        stored = [(name, past.data) for name, past in await place.store.histories("chat")]
        assert stored == [("lobby", b'"m2"'), ("lobby", b'"m3"'), ("lobby", b'"m4"')]
        assert await replayed(place, 10) == [["m2", "m3", "m4"]]
        pack, entered = await place.log(before)
        assert isinstance(entered, Membership)
        assert (pack.id + 1, entered.channel, entered.enters) == (entered.id, "lobby", True)
        row = await place.row()
        assert isinstance(row, ClientRow)
        assert row.channels == {"lobby": entered.id}


async def test_a_repeat_sends_nothing_again(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        await post(place, 1, "one")
        assert await replayed(place, 10) == [["one"]]
        last = await place.store.last("chat")
        operation = SendHistory("chat", place.fence, "a", "lobby", THREE, 1000, Cause("a", 10, "replay"))
        assert await place.do(operation) == last
        assert await place.store.last("chat") == last
        await post(place, 1, "one")  # recognized, and not kept twice
        assert await replayed(place, 11) == [["one"]]


async def test_a_past_without_messages_is_no_pack(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        assert await replayed(place, 10) == []
        row = await place.row()
        assert isinstance(row, ClientRow)
        assert list(row.channels) == ["lobby"]


async def test_packs_are_not_larger_than_a_message(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        for number in range(3):
            await post(place, number, str(number) * 20)
        assert [len(each) for each in await replayed(place, 10, limit=50)] == [2, 1]
        assert [len(each) for each in await replayed(place, 11, limit=10)] == [1, 1, 1]


async def test_the_bounds_of_a_channel(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        few = HistoryBounds(100, bytes=12)
        for number in range(4):
            await post(place, number, f"m{number}", few)
        assert await replayed(place, 10, few) == [["m1", "m2", "m3"]]
        assert await replayed(place, 11, HistoryBounds(2)) == [["m2", "m3"]]
        assert await replayed(place, 12, HistoryBounds(100)) == [["m2", "m3"]]


async def test_old_messages_are_dropped(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        await post(place, 1, "old")
        await place.later(2.1)
        past: list[list[str]] = []
        number = 2
        while not past:  # on a busy machine the new one may be old, too, before it is looked at
            await post(place, number, "new")
            past = await replayed(place, number + 1, HistoryBounds(100, seconds=1.0))
            number += 2
        assert {text for pack in past for text in pack} == {"new"}


async def test_the_channels_that_are_silent_for_longest_lose_their_past(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        for number, name in enumerate(("one", "two", "three")):
            await post(place, number, "0123456789", name=name, total=30)
        assert await replayed(place, 10, name="one") == []
        assert await replayed(place, 11, name="two") == [["0123456789"]]
        assert await replayed(place, 12, name="three") == [["0123456789"]]


async def test_what_is_published_from_outside_is_kept_once(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        messages = [(LOBBY, Message(b'"m"'), Mark("id", "d1")), (Address.client("a"), Message(b"1"), None)]
        kept = [Kept(THREE, MUCH), None]
        for number in (1, 2):
            await place.do(Publish("chat", messages, Cause("one", number), 60.0, kept=kept))
        assert await replayed(place, 10) == [["m"]]


async def test_changed_facts_are_saved(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        changed = FACTS.__class__("session", 1.5, "127.0.0.1", "B", '["ada", null, 99.5]')
        await place.do(SaveFacts("chat", "a", changed))
        await place.do(SaveFacts("chat", "nobody", changed))
        row = await place.row()
        assert isinstance(row, ClientRow)
        assert row.facts == changed
        assert await place.store.client("chat", "nobody") is None
        assert await place.store.client("chat", "a") == row
