"""Servers, leaders and ends of clients in the store that servers share."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.redis_servers import Redises
from tests.support.shared_place import FACTS, LOBBY, SECONDS, StorePlace, opened
from tests.support.shared_store import MemorySharedStore, heartbeat
from thywill.core.message import Address, Message
from thywill.hub.step import CONNECTED, DISCONNECTED
from thywill.queue.shared.operations import (
    Accept,
    Append,
    Cause,
    Depart,
    Discard,
    Drop,
    Evict,
    Expire,
    Finish,
    Incoming,
    NotLeader,
    Operation,
    Renew,
    Renewed,
    RolledBack,
    SaveData,
    SetMember,
    Trim,
)
from thywill.queue.shared.rows import (
    ClientRow,
    Departure,
    Posted,
    Trimming,
)

pytestmark = pytest.mark.gen_test

SIZE = 10**6


@pytest.fixture(params=["fake", "redis", "valkey"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


# Servers.


async def test_a_claimed_client_is_with_the_other_server(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        one = place.new()
        claimed: asyncio.Queue[str] = asyncio.Queue()
        if isinstance(one, MemorySharedStore):
            one.name = "two"
        one.listen(claimed.put_nowait, lambda _: None)
        place._opened.append(one)
        await one.start(heartbeat("two"))
        await place.connect(server="two")
        row = await claim_until_told(place, claimed)
        assert (row.server, row.facts, row.connected, row.handled) == ("one", FACTS, True, CONNECTED)


async def claim_until_told(place: StorePlace, claimed: asyncio.Queue[str]) -> ClientRow:
    # Redis may not have subscribed the other server yet.
    while True:
        row: ClientRow = await place.row(server="one")
        try:
            assert await asyncio.wait_for(claimed.get(), 0.2) == "a"
        except TimeoutError:
            await place.row(server="two")
        else:
            return row


async def test_a_server_renews_only_its_own_clients(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect("a")
        await place.connect("b", "two")
        await place.connect("c")
        await place.do(Depart("chat", "c", "it has left"))
        position = await place.post()
        clients = [(name, position) for name in "abcd"]
        renewed = await place.do(Renew("chat", "one", clients, position, SECONDS))
        assert renewed == Renewed(["b"], ["c", "d"])
        assert (await place.row("a")).cursor == position
        assert (await place.row("b")).cursor < position


async def test_what_a_silent_client_needs_is_saved_without_a_lease(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect("a", seconds=0.02)
        position = await place.post()
        await place.do(Renew("chat", "one", [], None, SECONDS, [("a", position)]))
        assert await place.do(Trim("chat", place.fence, 60, 3600, 100, SIZE)) < position
        await place.do(Renew("chat", "one", [], position, SECONDS))
        assert await place.do(Trim("chat", place.fence, 60, 3600, 100, SIZE)) == position
        await place.later(0.03)
        assert await place.do(Expire("chat", place.fence, 10, 0.0, "a reason")) == ["a"]


async def test_a_cursor_that_the_log_never_had_means_a_rollback(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        first = await place.post("x")
        await place.post("y")
        assert isinstance(await place.row(cursor=first), ClientRow)
        assert isinstance(await place.row(cursor=first + 2**25), RolledBack)


async def test_servers_that_are_alive_are_listed(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.store.heartbeat(heartbeat("one"), SECONDS)
        other = await place.open("two")
        await other.heartbeat(heartbeat("two"), SECONDS)
        assert await place.store.servers() == [heartbeat("one"), heartbeat("two")]
        await other.heartbeat(heartbeat("two"), 0.01)
        await place.later(0.02)
        assert await other.servers() == [heartbeat("one")]
        await place.store.stop()
        assert await other.servers() == []


# Leading.


async def test_one_server_leads_until_its_lease_has_passed(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        other = await place.open("two")
        assert await other.elect("chat", "two", SECONDS) == ("one", place.fence, False)
        assert await place.store.elect("chat", "one", 0.01, fence=place.fence) == ("one", place.fence, True)
        await place.later(0.02)
        next_one = await other.elect("chat", "two", SECONDS)
        assert next_one.leader == "two"
        assert next_one.fence > place.fence


async def test_a_lead_that_begins_again_has_another_fence(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        old = place.fence
        cause = Cause(f"one {old}", 1)
        (first,) = await place.store.execute([Append("chat", old, LOBBY, Message(b"1"), cause)])
        anew = await place.store.elect("chat", "one", SECONDS)  # its lease has not passed
        assert (anew.mine, anew.fence > old) == (True, True)
        refused, second = await place.store.execute(
            [
                Append("chat", old, LOBBY, Message(b"2"), Cause(f"one {old}", 2)),
                Append("chat", anew.fence, LOBBY, Message(b"3"), Cause(f"one {anew.fence}", 1)),
            ]
        )
        assert isinstance(refused, NotLeader)
        assert [entry.id for entry in await place.log()] == [first, second]
        assert await place.store.elect("chat", "one", SECONDS, fence=anew.fence) == anew


async def test_a_leader_that_resigns_makes_way_at_once(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        other = await place.open("two")
        await other.resign("chat", place.fence - 1)  # it does not lead
        assert not (await other.elect("chat", "two", SECONDS)).mine
        await place.store.resign("chat", place.fence)
        assert (await other.elect("chat", "two", SECONDS)).mine


async def test_a_deposed_leader_changes_nothing(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        (row,) = await place.store.roster("chat")
        await place.send("a", 1)
        (step,) = await place.inbox()
        old = place.fence
        await place.store.resign("chat", old)
        other = await place.open("two")
        await other.elect("chat", "two", SECONDS)
        refused = await place.store.execute(
            [
                Append("chat", old, LOBBY, Message(b"1"), Cause("a", 1, "x")),
                SetMember("chat", old, "a", "lobby", enters=True),
                SaveData("chat", old, {"a": "{}"}),
                Finish("chat", old, "a", 1, step.id, {}),
                Drop("chat", old, [step.id]),
                Evict("chat", old, "a", "a reason", None),
                Expire("chat", old, 10, 0, "a reason"),
                Trim("chat", old, 1, 0, 0, 0),
            ]
        )
        assert [type(outcome) for outcome in refused] == [NotLeader] * 8
        assert await place.inbox() == [step]
        assert await place.log() == []
        (now,) = await place.store.roster("chat")
        assert (now.data, now.handled, now.gone, now.channels) == (None, row.handled, None, {})


# What only one server has.


async def test_a_name_is_with_the_server_that_takes_it_first(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        store, name = place.store, "a name with ☃ and \x7f"
        assert await store.find_name(name) == ""
        assert await store.take_name(name, "one", 60) == "one"
        for _ in range(2):
            assert await store.take_name(name, "two", 60) == "one"
            assert await store.find_name(name) == "one"
            await store.drop_name(name, "two")
        assert await store.take_name(name, "two", 60, instead_of="three") == "one"
        assert await store.take_name(name, "two", 60, instead_of="one") == "two"
        await store.drop_name(name, "one")
        assert await store.find_name(name) == "two"
        await store.drop_name(name, "two")
        assert await store.find_name(name) == ""


async def test_notes_come_in_order(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        other = place.new()
        notes: asyncio.Queue[bytes] = asyncio.Queue()
        other.listen(lambda _: None, notes.put_nowait)
        place._opened.append(other)
        await other.start(heartbeat("two"))
        while await place.store.send([("two", b"first")]):  # noqa: ASYNC110 - it has not begun to listen
            await asyncio.sleep(0)
        assert await place.store.send([("two", b"0"), ("three", b"missed")]) == {"three"}
        assert await place.store.send([("two", b"%d" % number) for number in range(1, 100)]) == set()
        got: list[bytes] = []
        while b"99" not in got:
            got.append(await notes.get())
        assert [each for each in got if each != b"first"] == [b"%d" % number for number in range(100)]


# The end.


async def test_clients_expire_when_nobody_renews_them(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect("a", seconds=0.01)
        await place.connect("b")
        expire = Expire("chat", place.fence, 10, 0.0, "its grace time has passed")
        await place.later(0.02)
        assert await place.do(expire) == ["a"]
        assert await place.do(expire) == []
        assert [type(entry) for entry in await place.log()] == [Departure]
        assert str(await place.row("a")) == "its grace time has passed"
        assert [(step.client, step.number) for step in await place.inbox()] == [("a", DISCONNECTED)]
        assert sorted(row.id for row in await place.store.roster("chat")) == ["a", "b"]


async def test_nobody_expires_soon_after_a_time_without_expiry(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect(seconds=0.01)
        await place.later(0.02)
        assert await place.do(Expire("chat", place.fence, 10, 0.1, "a reason")) == []
        await place.later(0.11)
        assert await place.do(Expire("chat", place.fence, 10, 0.1, "a reason")) == ["a"]


async def test_the_log_keeps_what_some_client_needs(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect("a")
        await place.connect("b", "two")
        ids = [await place.post(str(number)) for number in range(4)]
        trim = Trim("chat", place.fence, 60, 3600, 100, SIZE)
        assert await place.do(trim) < ids[0]
        await place.do(Renew("chat", "one", [("a", ids[3])], ids[3], SECONDS))
        assert await place.do(trim) < ids[0]
        await place.do(Renew("chat", "two", [("b", ids[1])], ids[1], SECONDS))
        assert await place.do(trim) == ids[1]
        assert [entry.id for entry in await place.log()] == ids[2:]
        assert await place.store.last("chat") == ids[3]
        assert (await place.row("b", "two", cursor=ids[0])).trimmed == ids[1]


async def test_what_is_too_old_is_announced_and_then_forgotten(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect("a")
        ids = [await place.post(str(number)) for number in range(4)]
        trim = Trim("chat", place.fence, 60, -2, 100, SIZE)
        assert await place.do(trim) < ids[0]
        *posted, announced = await place.log()
        assert [entry.id for entry in posted] == ids
        assert (announced.up_to, announced.id > ids[3]) == (ids[3], True)  # type: ignore[union-attr]
        assert await place.do(trim) == ids[3]
        assert [type(entry) for entry in await place.log(announced.id)] == [Trimming]
        assert await place.post("new") > ids[3]
        assert await place.store.trimmed("chat") == ids[3]


@pytest.mark.parametrize("bounds", [(5, SIZE), (100, 30)])
async def test_what_is_too_much_is_announced_and_then_forgotten(
    redises: Redises, kind: str, bounds: tuple[int, int]
) -> None:
    async with opened(redises, kind) as place:
        await place.connect("a")
        trim = Trim("chat", place.fence, 60, 3600, *bounds)
        ids: list[int] = []
        for _ in range(3):
            ids += [await place.post(str(len(ids) + number)) for number in range(2)]
            await place.do(trim)
        # Six messages of 6 bytes are too much; after the first look four have come.
        announced = [entry for entry in await place.log() if isinstance(entry, Trimming)]
        assert [entry.up_to for entry in announced] == [ids[1]]
        assert await place.do(trim) == ids[1]
        assert [entry.id for entry in await place.log() if isinstance(entry, Posted)] == ids[2:]


async def test_what_a_client_has_dropped_leaves_the_log_if_it_was_for_it_alone(
    redises: Redises, kind: str
) -> None:
    async with opened(redises, kind) as place:
        await place.connect("a")
        common = await place.post("common")
        alone = Append("chat", place.fence, Address.client("a"), Message(b"1"), Cause("a", 7, "alone"))
        position = await place.do(alone)
        later = await place.post("later")
        discard = Discard("chat", "a", "one", position, [common, position], [(position, 2)])
        for operation in (discard._replace(server="two"), discard, discard):
            await place.do(operation)
        assert [entry.id for entry in await place.log()] == [common, later]
        # A page or a server that is there has lost nothing.
        row = await place.row(cursor=position)
        assert (row.dropped, row.lost) == (position, [(position, 2)])
        other = await place.open("two")
        assert [entry.id for entry in await other.read_log({"chat": position}, 0)] == [later]


async def test_a_whole_batch_that_is_repeated_changes_nothing(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        await place.connect()
        batch: list[Operation] = [
            Accept("chat", "a", [Incoming(1, 5, b"[1,2]")], 200, SECONDS),
            Append("chat", place.fence, LOBBY, Message(b"1"), Cause("a", 1, "x")),
            Append("chat", None, LOBBY, Message(b"2"), Cause("one", 1)),
            SetMember("chat", place.fence, "a", "lobby", enters=True),
            Depart("chat", "a", "it has left"),
        ]
        first = await place.store.execute(batch)
        log, inbox = await place.log(), await place.inbox()
        second = await place.store.execute(batch)
        assert second[1:3] == first[1:3]
        assert (await place.log(), await place.inbox()) == (log, inbox)


async def test_the_store_says_that_it_can_be_written(redises: Redises, kind: str) -> None:
    async with opened(redises, kind) as place:
        assert await place.store.problem() is None
