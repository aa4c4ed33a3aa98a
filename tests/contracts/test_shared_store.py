"""The store that servers share: the fake that other tests use, Redis, and Valkey."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from tests.support.redis_servers import Redises
from tests.support.shared_place import FACTS, LOBBY, SECONDS, TEXT, opened
from thywill.core.message import Address, Message
from thywill.core.overflow import Overflow
from thywill.core.positions import BITS, EPOCH
from thywill.core.publication import Mark
from thywill.errors import Conflict, Gap, Gone, Reused, TooMany
from thywill.hub.step import CONNECTED, DISCONNECTED
from thywill.queue.shared.operations import (
    CAUSES_REMEMBERED,
    DIGESTS,
    Accept,
    Accepted,
    Append,
    Cause,
    Create,
    Depart,
    Drop,
    Evict,
    Finish,
    Greet,
    Incoming,
    Publish,
    Renew,
    SaveData,
    SetMember,
    Unknown,
)
from thywill.queue.shared.rows import (
    Departure,
    Membership,
    Posted,
    decode_facts,
)

pytestmark = pytest.mark.gen_test


@pytest.fixture(params=["fake", "redis", "valkey"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# Clients.


async def test_a_new_client_begins_at_the_end_of_the_log(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        assert await place.do(Create("chat", "a", "one", FACTS, SECONDS)) == 0
        last = await place.post()
        assert await place.do(Create("chat", "b", "one", FACTS, SECONDS)) == last
        await place.post("y")
        assert await place.do(Create("chat", "b", "one", FACTS, SECONDS)) == last  # a repeat


async def test_a_client_that_connects_is_a_step_once(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.do(Create("chat", "a", "one", FACTS, SECONDS))
        for _ in range(2):
            assert await place.do(Greet("chat", "a", "one", FACTS, SECONDS)) is None
        (step,) = await place.inbox()
        assert (step.client, step.number, decode_facts(step.item)) == ("a", CONNECTED, FACTS)


async def test_an_unknown_client_is_refused(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        assert isinstance(await place.do(Greet("chat", "a", "one", FACTS, SECONDS)), Unknown)
        assert isinstance(await place.send("a", 1), Unknown)
        assert isinstance(await place.row(), Unknown)
        assert await place.do(Depart("chat", "a", "it has left")) is None
        assert await place.inbox() == []


async def test_a_client_that_leaves_is_gone_with_its_reason(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        for _ in range(2):
            await place.do(Depart("chat", "a", f"it has left {TEXT}"))
        await place.do(Depart("chat", "a", "another reason"))
        (step,) = await place.inbox()
        assert (step.client, step.number) == ("a", DISCONNECTED)
        (entry,) = await place.log()
        assert entry == Departure("chat", entry.id, "a", f"it has left {TEXT}")
        refused = await place.send("a", 1)
        assert type(refused) is Gone
        assert str(refused) == f"it has left {TEXT}"


async def test_the_reason_outlives_the_row(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        await place.do(Evict("chat", None, "a", "a moderator", None))
        (step,) = await place.inbox()
        for _ in range(2):
            await place.do(Finish("chat", place.fence, "a", DISCONNECTED, step.id, {}))
        assert await place.store.roster("chat") == []
        assert await place.inbox() == []
        assert str(await place.row()) == "a moderator"


async def test_a_client_that_has_not_polled_leaves_nothing(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.do(Create("chat", "a", "one", FACTS, SECONDS))
        await place.do(Depart("chat", "a", "it has left"))
        assert await place.inbox() == []
        assert await place.log() == []
        assert isinstance(await place.row(), Gone)


# Messages of browsers.


async def test_messages_are_accepted_once_and_in_order(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        assert await place.send("a", 1, 2) == Accepted(2, 2)
        assert await place.send("a", 1, 2, 3) == Accepted(3, 1)
        assert await place.send("a") == Accepted(3, 0)
        gap = await place.send("a", 5)
        assert isinstance(gap, Gap)
        assert gap.received == 3
        steps = await place.inbox()
        assert [(step.number, step.item) for step in steps] == [
            (n, f'[{n},"text"]'.encode()) for n in (1, 2, 3)
        ]


async def test_a_send_connects_a_client_that_has_not_polled(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.do(Create("chat", "a", "one", FACTS, SECONDS))
        assert await place.send("a", 1) == Accepted(1, 1)
        assert [step.number for step in await place.inbox()] == [CONNECTED, 1]


async def test_only_so_many_messages_wait_for_their_hooks(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        assert await place.send("a", 1, 2, 3, room=2) == Accepted(2, 2)
        assert isinstance(await place.send("a", 3, room=2), TooMany)
        await place.do(Finish("chat", place.fence, "a", 1, (await place.inbox())[0].id, {}))
        assert await place.send("a", 3, 4, room=2) == Accepted(3, 1)


async def test_a_number_that_is_used_for_another_message_is_a_conflict(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        await place.send("a", *range(1, DIGESTS + 4))
        for n, is_known in ((DIGESTS + 3, True), (4, True), (3, False)):
            outcome = await place.do(Accept("chat", "a", [Incoming(n, 5, b"[]")], 200, SECONDS))
            assert isinstance(outcome, Conflict) == is_known
        assert len(await place.inbox()) == DIGESTS + 3


# The log.


async def test_messages_are_read_as_they_were_appended(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        messages = [
            (
                Address.channel(TEXT),
                Message(json.dumps(TEXT).encode(), key="a key", overflow=Overflow.CONFLATE),
            ),
            (Address.client("a"), Message(b'{"result":1}', reply_to=3)),
            (Address.session("session"), Message(b"[]")),
            (Address.channel("lobby"), Message(b"1", exclude="client-1")),
        ]
        appends = [
            Append("chat", place.fence, to, message, Cause("one", number))
            for number, (to, message) in enumerate(messages, 1)
        ]
        ids = await place.store.execute(appends)
        assert await place.log() == [
            Posted("chat", found, *message) for found, message in zip(ids, messages, strict=True)
        ]
        assert ids == sorted(set(ids))
        assert await place.store.last("chat") == ids[-1]


async def test_ids_begin_with_the_clock_of_the_store(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        now = place.memory.now if kind == "fake" else time.time()
        first = await place.post()
        assert abs((first >> BITS) + EPOCH - now) < 600
        assert first < await place.post("y") < first + (600 << BITS)


async def test_several_logs_are_read_at_once(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        ids = [
            await place.do(Append(name, None, LOBBY, Message(b"1"), Cause("one", 1)))
            for name in ("chat", "game", "chat")
        ]
        assert ids[0] == ids[2]
        found = await place.store.read_log({"chat": 0, "game": 0}, 0)
        assert sorted((entry.application, entry.id) for entry in found) == [
            ("chat", ids[0]),
            ("game", ids[1]),
        ]
        found = await place.store.read_log({"chat": ids[0], "game": 0}, 0)
        assert [entry.application for entry in found] == ["game"]


async def test_a_read_waits_for_an_entry(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        assert await place.store.read_log({"chat": 0}, 0.01) == []
        read = asyncio.ensure_future(place.store.read_log({"chat": 0}, 60))
        steps = asyncio.ensure_future(place.store.read_inbox("chat", "", 60))
        await asyncio.sleep(0)
        position = await place.post()
        assert [entry.id for entry in await read] == [position]
        await place.do(Create("chat", "a", "one", FACTS, SECONDS))
        await place.do(Greet("chat", "a", "one", FACTS, SECONDS))
        assert [step.number for step in await steps] == [CONNECTED]


async def test_a_range_of_the_log(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        ids = [await place.post(str(number)) for number in range(5)]
        assert [entry.id for entry in await place.store.range("chat", ids[0], ids[3])] == ids[1:4]
        assert await place.store.range("chat", ids[4], ids[4] + 1) == []


# Steps.


async def test_a_step_that_runs_again_appends_nothing_twice(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        first = await place.post("x", 7)
        assert await place.post("x", 7, data='"other data"') == first
        assert await place.post("y", 7) > first
        assert len(await place.log()) == 2
        await place.do(Finish("chat", place.fence, "a", 7, "", {}))
        assert await place.post("x", 7) > first


async def test_the_last_messages_outside_of_steps_are_remembered(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:

        def append(number: int) -> Append:
            return Append("chat", None, LOBBY, Message(b"1"), Cause("one", number))

        ids = await place.store.execute([append(n) for n in range(1, CAUSES_REMEMBERED + 3)])
        assert await place.store.execute([append(n) for n in (3, CAUSES_REMEMBERED + 2)]) == [ids[2], ids[-1]]
        assert await place.do(append(2)) > ids[-1]


async def test_messages_from_outside_are_added_once_for_each_mark(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        text, mark = Message(b"1"), Mark("aa", "dd")

        def publish(number: int, *marks: Mark | None, check: bool = False) -> Publish:
            messages = [(LOBBY, text, each) for each in marks]
            return Publish("chat", messages, Cause("one", number), 3600, check)

        first, second, third = await place.do(publish(1, mark, None, mark))
        assert first == third
        assert await place.do(publish(1, mark, None, mark)) == [first, second, first]
        (again, new) = await place.do(publish(2, mark, Mark("bb", "dd")))
        assert (again, new > second) == (first, True)
        assert [entry.id for entry in await place.log()] == [first, second, new]


async def test_a_mark_of_another_message_is_refused_with_all_of_its_batch(
    redises: Redises, kind: str
) -> None:
    async with opened(redises, kind) as place:
        await place.do(Publish("chat", [(LOBBY, Message(b"1"), Mark("aa", "dd"))], Cause("one", 1), 3600))
        for check in (True, False):
            for marks in ((None, Mark("aa", "ee")), (Mark("bb", "dd"), Mark("bb", "ee"))):
                messages = [(LOBBY, Message(b"2"), mark) for mark in marks]
                refused = await place.do(Publish("chat", messages, Cause("one", 2), 3600, check))
                assert isinstance(refused, Reused)
                assert refused.index == 1
        assert len(await place.log()) == 1
        fine = [(LOBBY, Message(b"2"), Mark("cc", "dd"))]
        assert await place.do(Publish("chat", fine, Cause("one", 3), 3600, check=True)) == []
        assert len(await place.log()) == 1


async def test_a_finished_step_leaves_the_inbox_with_its_data(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect("a")
        await place.connect("b")
        await place.send("a", 1, 2)
        first, second = await place.inbox()
        finish = Finish("chat", place.fence, "a", 1, first.id, {"a": '{"n":1}', "b": '{"n":2}', "c": "{}"})
        for _ in range(2):
            assert await place.do(finish) is None
        assert await place.inbox() == [second]
        rows = {row.id: row for row in await place.store.roster("chat")}
        assert (rows["a"].handled, rows["a"].data, rows["b"].data) == (1, '{"n":1}', '{"n":2}')
        assert "c" not in rows
        await place.do(SaveData("chat", place.fence, {"b": "{}"}))
        assert (await place.row("b")).data == "{}"


async def test_the_messages_behind_an_eviction_are_dropped_by_the_leader(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        await place.send("a", 1, 2, 3)
        await place.do(Evict("chat", place.fence, "a", "a moderator", 1))
        (row,) = await place.store.roster("chat")
        assert (row.received, row.gone) == (1, "a moderator")
        steps = await place.inbox()
        assert [step.number for step in steps] == [1, 2, 3, DISCONNECTED]
        await place.do(Drop("chat", place.fence, [step.id for step in steps if step.number > row.received]))
        assert [step.number for step in await place.inbox()] == [1, DISCONNECTED]


# Channels.


async def test_memberships_have_their_place_in_the_log(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        name = f"lobby {TEXT}"
        since = await place.do(SetMember("chat", place.fence, "a", name, enters=True))
        assert await place.do(SetMember("chat", place.fence, "a", name, enters=True)) == 0
        assert (await place.row()).channels == {name: since}
        until = await place.do(SetMember("chat", place.fence, "a", name, enters=False))
        assert await place.do(SetMember("chat", place.fence, "a", name, enters=False)) == 0
        row = await place.row()
        assert (row.channels, row.left) == ({}, [(name, since, until)])
        assert await place.log() == [
            Membership("chat", since, "a", name, enters=True),
            Membership("chat", until, "a", name, enters=False),
        ]


async def test_a_membership_that_is_acknowledged_is_forgotten(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        for channel in ("x", "y"):
            await place.do(SetMember("chat", place.fence, "a", channel, enters=True))
        position = await place.do(SetMember("chat", place.fence, "a", "x", enters=False))
        await place.do(Renew("chat", "one", [("a", position)], position, SECONDS))
        await place.do(SetMember("chat", place.fence, "a", "y", enters=False))
        assert [channel for channel, _, _ in (await place.row()).left] == ["y"]


async def test_a_client_that_is_gone_enters_no_channel(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        await place.do(Depart("chat", "a", "it has left"))
        for client in ("a", "b"):
            assert await place.do(SetMember("chat", place.fence, client, "lobby", enters=True)) == 0
