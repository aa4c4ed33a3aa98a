"""The store that servers share: batches that come too late, and a store that has lost something."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from tests.support.redis_servers import RedisServer
from tests.support.shared_place import FACTS, LOBBY, SECONDS, StorePlace
from thywill.core.message import Message
from thywill.errors import Gone
from thywill.hub.step import DISCONNECTED
from thywill.queue.redis.link import Command, Link
from thywill.queue.redis.store import RedisStore
from thywill.queue.shared.base import StoreUnavailable
from thywill.queue.shared.operations import (
    Accepted,
    Append,
    Cause,
    Create,
    Expire,
    Finish,
    NotLeader,
    Renew,
    Renewed,
    RolledBack,
    Trim,
)
from thywill.queue.shared.rows import ClientRow, Posted, Rewound

pytestmark = pytest.mark.gen_test


@pytest.fixture(params=["redis", "valkey"])
def redis(request: pytest.FixtureRequest) -> Iterator[RedisServer]:
    server = RedisServer(request.param)
    try:
        yield server
    finally:
        server.close()


@asynccontextmanager
async def opened(redis: RedisServer) -> AsyncIterator[StorePlace]:
    place = StorePlace(redis, "test")
    await place.begin()
    try:
        yield place
    finally:
        await place.close()


def go_back(redis: RedisServer) -> None:
    """Lose all that was written since ``redis.call("SAVE")``, as a replica that lags behind does."""
    redis.kill()
    redis.start()


async def again(call: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
    """Call as the callers do: again, when the connection broke."""
    try:
        return await call(*arguments)
    except StoreUnavailable:
        return await call(*arguments)


# Calls that come late.


class LateLink(Link):
    """A connection that is given up with a batch on its way: ``late`` arrives when it is sent."""

    late: list[Command] | None = None

    async def pipeline(self, commands: Sequence[Command], block: float = 0) -> list[Any]:
        if self.late is None:
            self.late = list(commands)
            raise StoreUnavailable("no answer", unsure=True)
        return await super().pipeline(commands, block)


async def test_a_batch_that_comes_after_its_repeat_is_not_executed(redis: RedisServer) -> None:
    async with opened(redis) as place:
        await place.connect()
        await place.send("a", 1)
        store = place.store
        assert isinstance(store, RedisStore)
        await store._batches.close()
        store._batches = link = LateLink(store._url, "late")
        with pytest.raises(StoreUnavailable):
            await place.post(number=1)
        position = await place.post(number=1)
        (step,) = await place.inbox()
        await place.do(Finish("chat", place.fence, "a", 1, step.id, {}))
        assert link.late is not None
        (answer,) = await Link.pipeline(link, link.late)
        assert "LATE" in str(answer)
        assert [entry.id for entry in await place.log()] == [position]


# A store that has lost something.


async def test_a_store_that_was_restarted_with_everything_has_lost_nothing(redis: RedisServer) -> None:
    async with opened(redis) as place:
        await place.connect()
        position = await place.post()
        redis.call("SAVE")
        redis.kill()
        redis.start()
        await again(place.do, Expire("chat", place.fence, 10, 0, "a reason"))
        assert [type(entry) for entry in await again(place.log)] == [Posted]
        assert isinstance(await place.row(cursor=position), ClientRow)
        assert isinstance(await place.send("a", 1), Accepted)


@pytest.mark.parametrize("lost", ["an accepted message", "a message", "a step's end", "everything"])
async def test_all_clients_end_when_the_store_has_lost_what_it_confirmed(
    redis: RedisServer, lost: str
) -> None:
    async with opened(redis) as place:
        await place.connect()
        await place.send("a", 1)
        (step,) = await place.inbox()
        redis.call("SAVE")
        if lost == "an accepted message":
            await place.send("a", 2)
        elif lost == "a message":
            await place.post()
        elif lost == "a step's end":
            await place.do(Finish("chat", place.fence, "a", 1, step.id, {}))
        else:
            redis.call("FLUSHALL")
            redis.call("FUNCTION", "FLUSH")
        if lost != "everything":
            go_back(redis)
        begins = await again(place.do, Create("chat", "b", "one", FACTS, SECONDS))
        (rewound,) = await again(place.log)
        assert isinstance(rewound, Rewound)
        assert "lost messages" in rewound.reason
        assert begins == rewound.id
        for refused in (await place.row(), await place.send("a", 3)):
            assert isinstance(refused, Gone if lost == "everything" else RolledBack)
        renewed = await place.do(Renew("chat", "one", [("a", 0), ("b", 0)], 0, SECONDS))
        assert renewed == Renewed([], ["a"])
        assert isinstance(await place.row("b"), ClientRow)


async def test_the_leader_begins_anew_and_ends_the_clients_that_were_there(redis: RedisServer) -> None:
    async with opened(redis) as place:
        await place.connect()
        redis.call("SAVE")
        await place.post()
        go_back(redis)
        expire = Expire("chat", place.fence, 10, 0, "a reason")
        assert isinstance(await again(place.do, expire), NotLeader)
        election = await again(place.store.elect, "chat", "one", SECONDS)
        assert not election.mine  # its old lease still lasts
        redis.call("HSET", "test:{chat}:leader", "until", 0)
        place.fence = (await place.store.elect("chat", "one", SECONDS)).fence
        assert await place.do(expire._replace(fence=place.fence)) == ["a"]
        assert await place.do(expire._replace(fence=place.fence)) == []
        (step,) = await again(place.inbox)
        assert (step.client, step.number) == ("a", DISCONNECTED)
        await place.do(Finish("chat", place.fence, "a", DISCONNECTED, step.id, {}))
        assert isinstance(await place.row(), RolledBack)
        await place.connect("b")
        assert [row.id for row in await place.store.roster("chat")] == ["b"]


async def test_what_a_server_has_read_and_the_store_has_lost_is_noticed(redis: RedisServer) -> None:
    async with opened(redis) as place:
        await place.connect()
        redis.call("SAVE")
        other = await place.open("two")
        position = await place.post()
        assert [entry.id for entry in await other.read_log({"chat": 0}, 0)] == [position]
        await place.store.stop()  # the server that knows what was confirmed is gone, too
        go_back(redis)
        (rewound,) = await again(other.read_log, {"chat": position}, 0)
        assert isinstance(rewound, Rewound)
        assert rewound.id > position


async def test_what_was_read_and_lost_is_not_sent_again(redis: RedisServer) -> None:
    async with opened(redis) as place:
        await place.connect()
        redis.call("SAVE")
        other = await place.open("two")
        position = await place.post()
        await other.read_log({"chat": position}, 0)
        await place.log(position)
        go_back(redis)
        append = Append("chat", place.fence, LOBBY, Message(b'"text"'), Cause("a", 7, "x"))
        (outcome,) = await again(other.execute, [append])
        assert isinstance(outcome, NotLeader)
        # The other servers notice it too, and it is told once.
        await again(place.do, Create("chat", "b", "one", FACTS, SECONDS))
        (told,) = await again(place.store.read_log, {"chat": position}, 0)
        assert [told] == await place.log()
        assert [told] == await again(other.read_log, {"chat": position}, 0)
        assert isinstance(told, Rewound)
        assert isinstance(await place.row("b"), ClientRow)


async def test_a_batch_on_a_new_connection_may_travel_while_logs_are_read(redis: RedisServer) -> None:
    async with opened(redis) as place:
        store = place.store
        assert isinstance(store, RedisStore)
        function = store._function

        async def meanwhile(*arguments: Any) -> Any:
            store._calls.seen({"another application": 7})
            return await function(*arguments)

        await place.connect()
        store._calls.seen({"chat": await place.post()})
        store._function = meanwhile  # type: ignore[method-assign]
        await store._batches.close()
        assert isinstance(await place.row(), ClientRow)


async def test_nobody_takes_a_lead_of_which_a_new_master_may_not_know(redis: RedisServer) -> None:
    async with opened(redis) as place:
        redis.call("SAVE")
        other = await place.open("two")
        assert (await other.elect("chat", "two", 1.0)).leader == "one"
        redis.call("DEL", "test:{chat}:leader")  # as a replica that has not heard of it
        redis.call("SAVE")
        go_back(redis)
        begun = asyncio.get_running_loop().time()
        election = await again(partial(other.elect, stands=True), "chat", "two", 1.0)
        assert (election.leader, election.mine) == ("", False)
        while not election.mine:
            await asyncio.sleep(0.01)
            election = await other.elect("chat", "two", 1.0)
        assert asyncio.get_running_loop().time() > begun + 0.9


async def test_what_is_done_again_anyway_may_be_lost(redis: RedisServer) -> None:
    async with opened(redis) as place:
        await place.connect()
        redis.call("SAVE")
        await place.do(Renew("chat", "one", [("a", 0)], 0, SECONDS))
        await place.do(Expire("chat", place.fence, 10, 0, "a reason"))
        go_back(redis)
        append = Append("chat", None, LOBBY, Message(b"1"), Cause("one", 1))
        assert isinstance(await again(place.do, append), int)
        assert [type(entry) for entry in await again(place.log)] == [Posted]


async def test_the_calls_of_servers_that_ended_long_ago_are_forgotten(redis: RedisServer) -> None:
    async with opened(redis) as place:
        await place.connect()
        redis.call("HSET", "test:{chat}:calls", "long ago", "7 1000")
        await place.do(Trim("chat", place.fence, SECONDS, 3600, 1000, 10**6))
        assert b"long ago" not in redis.call("HGETALL", "test:{chat}:calls")
