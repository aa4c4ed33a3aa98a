"""What pages see of a Redis that is full, only reads, has another password, or was emptied."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.cluster import ClusterPage
from tests.support.databases import Servers
from tests.support.engines import Engine, EnginePlace
from tests.support.redis_servers import Redises, RedisServer
from tests.support.serving import until
from thywill import Application, Client
from thywill.errors import Gone, Unavailable

pytestmark = pytest.mark.gen_test


class Lobby(Application):
    """Publishes what pages say to all of them."""

    async def on_connect(self, client: Client) -> None:
        await self.subscribe(client, "lobby")

    async def on_message(self, client: Client, message: Any) -> None:
        await self.publish("lobby", message)


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    server = RedisServer("redis")
    try:
        yield server
    finally:
        server.close()


@pytest.fixture
def place(redis: RedisServer, tmp_path: Path, servers: Servers, redises: Redises) -> EnginePlace:
    return EnginePlace("redis", tmp_path, servers, redises, redis.url())


@asynccontextmanager
async def connected(place: EnginePlace) -> AsyncIterator[tuple[Engine, ClusterPage]]:
    """Yield a server and a page that has sent and received one message."""
    async with place.serving(Lobby) as engine:
        page = await engine.new_page()
        await page.send(engine, "before")
        assert await page.receive(1, engine) == ["before"]
        yield engine, page


async def refused(engine: Engine, page: ClusterPage) -> None:
    """Send until it is refused, as the store has to be used for it to be noticed."""
    page.sent += 1
    with pytest.raises(Unavailable):
        await page.send(engine, "refused")
    page.sent -= 2


async def at_last(engine: Engine, page: ClusterPage, data: str) -> None:
    """Send ``data`` again until it is accepted, and receive it."""
    while True:
        try:
            await page.send(engine, data)
        except Unavailable:
            page.sent -= 1
        else:
            break
    assert await page.receive(2, engine) == ["before", data]
    assert page.lost == 0


async def test_memory_is_full(redis: RedisServer, place: EnginePlace) -> None:
    async with connected(place) as (engine, page):
        parked = await page.poll(engine, 25.0)
        redis.call("CONFIG", "SET", "maxmemory", 1)
        await refused(engine, page)
        assert "maxmemory" in str(await engine.queue.problem())
        assert parked.calls == []
        redis.call("CONFIG", "SET", "maxmemory", 0)
        await at_last(engine, page, "after")


async def test_redis_only_reads(redis: RedisServer, place: EnginePlace) -> None:
    async with connected(place) as (engine, page):
        parked = await page.poll(engine, 25.0)
        redis.call("REPLICAOF", "127.0.0.1", "1")
        await refused(engine, page)
        assert parked.calls == []
        redis.call("REPLICAOF", "NO", "ONE")
        await at_last(engine, page, "after")


async def test_the_password_changes(redis: RedisServer, place: EnginePlace) -> None:
    async with connected(place) as (engine, page):
        parked = await page.poll(engine, 25.0)
        redis.call("CONFIG", "SET", "requirepass", "another")
        redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes", password="another")
        await refused(engine, page)
        await engine.queue.problem()  # its connection broke, too
        problem = str(await engine.queue.problem())
        assert "Authentication required" in problem
        assert "another" not in problem
        assert parked.calls == []
        redis.call("CONFIG", "SET", "requirepass", "", password="another")
        await at_last(engine, page, "after")


async def test_everything_is_flushed(redis: RedisServer, place: EnginePlace) -> None:
    async with connected(place) as (engine, page):
        parked = await page.poll(engine, 25.0)
        redis.call("FLUSHALL")
        await until(lambda: bool(parked.calls))
        assert "lost messages" in parked.answer["gone"]
        with pytest.raises(Gone):
            await page.poll(engine)
        page = await engine.new_page()
        await page.send(engine, "before")
        await at_last(engine, page, "after")
