"""What is wrong with a Redis is one line, with the line to change."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.redis_servers import RedisServer
from tests.support.shared_store import heartbeat
from thywill.core.message import Address, Message
from thywill.errors import SettingsError, Unavailable
from thywill.queue.redis import examination
from thywill.queue.redis.library import FORMAT, Library
from thywill.queue.redis.options import Safe, StoreOptions
from thywill.queue.redis.safety import Safety
from thywill.queue.redis.store import RedisStore
from thywill.queue.shared.base import StoreUnavailable
from thywill.queue.shared.operations import Append, Cause, Claim, Create, Unknown
from thywill.queue.shared.rows import ClientFacts, Heartbeat

pytestmark = pytest.mark.gen_test

DEFAULTS = {
    "maxmemory": "0",
    "maxmemory-policy": "noeviction",
    "appendonly": "no",
    "min-replicas-to-write": "0",
}


@pytest.fixture(scope="module")
def running() -> Iterator[RedisServer]:
    server = RedisServer("redis")
    yield server
    server.close()


@pytest.fixture
def server(running: RedisServer) -> Iterator[RedisServer]:
    """A Redis whose settings a test may change."""
    running.call("FLUSHALL")
    yield running
    for name, value in DEFAULTS.items():
        running.call("CONFIG", "SET", name, value)
    running.call("REPLICAOF", "NO", "ONE")


def store_of(server: RedisServer, url: str = "", safe: Safe = Safe.MEMORY) -> RedisStore:
    return RedisStore(StoreOptions(url or server.url(), "thywill", safe))


async def refusal(server: RedisServer, url: str = "", safe: Safe = Safe.MEMORY, **facts: Any) -> str:
    """Return the line with which a server does not start."""
    store = store_of(server, url, safe)
    with pytest.raises(SettingsError) as caught:
        await store.start(heartbeat("one", **facts))
    await store.stop()
    assert "\n" not in str(caught.value)
    return str(caught.value)


async def started(server: RedisServer, name: str = "one") -> RedisStore:
    store = store_of(server)
    await store.start(heartbeat(name))
    return store


async def test_redis_is_away(server: RedisServer) -> None:
    line = await refusal(server, "redis://127.0.0.1:1/0")
    assert line.startswith("[queue] url: Redis at redis://127.0.0.1:1/0: ")
    assert line.endswith("is it started, and is the address right?")


@pytest.mark.parametrize("url", ["http://127.0.0.1", "redis", "sentinel://127.0.0.1:26379"])
async def test_the_address_is_none(url: str) -> None:
    with pytest.raises(
        SettingsError, match=re.escape("[queue] url: ") + ".*; write redis://127.0.0.1:6379/0"
    ):
        RedisStore(StoreOptions(url, "thywill", Safe.MEMORY))


async def test_the_password_is_wrong() -> None:
    server = RedisServer("redis", "requirepass secret")
    try:
        for credentials in ("", ":wrong@"):
            line = await refusal(server, f"redis://{credentials}127.0.0.1:{server.port}/0")
            assert line.endswith("write user and password into it: redis://USER:PASSWORD@host")
            assert "wrong" not in line
        store = store_of(server, f"redis://:secret@127.0.0.1:{server.port}/0")
        await store.start(heartbeat("one"))
        await store.stop()
    finally:
        server.close()


async def test_redis_is_a_replica(server: RedisServer) -> None:
    server.call("REPLICAOF", "127.0.0.1", "1")
    assert (
        "is a replica and cannot be written: write the address of its master, 127.0.0.1:1"
        in await refusal(server)
    )


async def test_redis_is_a_cluster() -> None:
    server = RedisServer("redis", "cluster-enabled yes")
    try:
        assert "is a Redis Cluster: use one without 'cluster-enabled yes'" in await refusal(server)
    finally:
        server.close()


async def test_redis_would_drop_the_log(server: RedisServer) -> None:
    server.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    server.call("CONFIG", "SET", "maxmemory", "100mb")
    assert "set 'maxmemory-policy noeviction' (now allkeys-lru)" in await refusal(server)


@pytest.mark.parametrize(
    ("policy", "memory", "deleted"),
    [
        ("volatile-lru", "100mb", "the ids of published messages, so that a repeat comes twice,"),
        ("volatile-ttl", "0", "the ids of published messages, so that a repeat comes twice,"),
        ("allkeys-lru", "0", "the queue"),
    ],
)
async def test_redis_would_drop_something(
    server: RedisServer, caplog: pytest.LogCaptureFixture, policy: str, memory: str, deleted: str
) -> None:
    server.call("CONFIG", "SET", "maxmemory-policy", policy)
    server.call("CONFIG", "SET", "maxmemory", memory)
    await (await started(server)).stop()
    line = f"Redis has 'maxmemory-policy {policy}', which deletes {deleted} when 'maxmemory' is reached: "
    assert f"[queue] {line}set 'maxmemory-policy noeviction'" in caplog.text


async def test_redis_keeps_nothing_on_its_disk(server: RedisServer, caplog: pytest.LogCaptureFixture) -> None:
    await (await started(server)).stop()
    assert "set 'appendonly yes' in its configuration" in caplog.text
    caplog.clear()
    server.call("CONFIG", "SET", "appendonly", "yes")
    await (await started(server)).stop()
    assert caplog.text == ""


async def test_redis_cannot_be_as_safe_as_the_setting(server: RedisServer) -> None:
    assert "set 'appendonly yes'" in await refusal(server, safe=Safe.DISK)
    assert "has no replica" in await refusal(server, safe=Safe.REPLICAS)
    server.call("CONFIG", "SET", "appendonly", "yes")
    assert "set 'appendfsync always', or install Redis 7.2" in await refusal(server, safe=Safe.DISK)


def test_redis_is_too_old() -> None:
    (line,) = examination.problems({"redis_version": "6.2.6"}, {}, Safety(Safe.MEMORY))
    assert line == "has version 6.2.6: install Redis 7.0 or newer, or Valkey"


@pytest.mark.parametrize("command", [("SET", "thywill:format", "x"), ("RPUSH", "thywill:format", "x")])
async def test_the_keys_are_of_another_program(server: RedisServer, command: tuple[str, ...]) -> None:
    server.call(*command)
    line = await refusal(server)
    assert "another program uses the key 'thywill:format': set another prefix than 'thywill'" in line


async def test_the_servers_are_no_rows(server: RedisServer) -> None:
    server.call("RPUSH", "thywill:servers", "x")
    assert "another program uses the key 'thywill:servers'" in await refusal(server)


async def test_the_queue_is_of_a_newer_version(server: RedisServer) -> None:
    server.call("SET", "thywill:format", FORMAT + 1)
    line = await refusal(server)
    assert f"in format {FORMAT + 1} instead of {FORMAT}: install the newer thywill here" in line


async def test_a_newer_library_works_beside_an_older_one(server: RedisServer) -> None:
    old = await started(server)
    newer = Library()
    server.call("FUNCTION", "LOAD", newer.source.replace(newer.name, f"{newer.name}_newer"))
    assert await old.execute([create("a")]) == [0]
    await old.stop()


async def test_functions_that_no_server_has_used_for_a_day_are_deleted(server: RedisServer) -> None:
    library = Library()
    for name in ("thywill_old", "thywill_new"):
        server.call("FUNCTION", "LOAD", "REPLACE", library.source.replace(library.name, name))
    server.call("HSET", "thywill:libraries", "thywill_old", 1000, "thywill_gone", 1000)
    server.call("HSET", "thywill:libraries", "thywill_new", server.call("TIME")[0])
    await (await started(server)).stop()
    assert set(server.call("HKEYS", "thywill:libraries")) == {b"thywill_new", library.name.encode()}
    left = str(server.call("FUNCTION", "LIST"))
    assert "thywill_new" in left
    assert library.name in left
    assert "thywill_old" not in left


async def test_another_server_has_another_secret(server: RedisServer) -> None:
    one = await started(server)
    await one.heartbeat(heartbeat("one"), 60)
    line = await refusal(server, secret="another")
    assert line.startswith("[client_interface] secret_file: the server at http://127.0.0.1:8080/ (process 1)")
    await one.stop()


async def test_another_server_has_other_applications(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    one = await started(server)
    await one.heartbeat(heartbeat("one"), 60)
    other = store_of(server)
    row = heartbeat("two")
    await other.start(Heartbeat(row.row, ("chat", "game"), row.secret))
    assert "has other applications (game)" in caplog.text
    await one.stop()
    await other.stop()


# Later.


def create(client: str) -> Create:
    return Create("chat", client, "one", ClientFacts("session", 1.5), 60)


def append(number: int, size: int = 1) -> Append:
    data = b'"' + b"x" * size + b'"'
    return Append("chat", None, Address.channel("lobby"), Message(data), Cause("one", number))


async def test_redis_goes_away_and_comes_back() -> None:
    server = RedisServer("redis", "appendonly yes", "appendfsync always")
    store = store_of(server, safe=Safe.DISK)
    await store.start(heartbeat("one"))
    try:
        (position,) = await store.execute([append(1)])
        server.kill()
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=re.escape(f"Redis at {server.url()}: ")):
                await store.execute([append(2)])
        assert await store.problem() is not None
        server.start()
        assert await store.execute([append(1)]) == [position]
        (entry,) = await store.read_log({"chat": 0}, 0)
        assert entry.id == position
        assert await store.problem() is None
    finally:
        await store.stop()
        server.close()


async def test_memory_is_full(server: RedisServer) -> None:
    store = await started(server)
    await store.execute([create("a"), append(1)])
    server.call("CONFIG", "SET", "maxmemory", 1)
    refused, created, claimed = await store.execute(
        [append(2), create("b"), Claim("chat", "a", "one", 0, 60)]
    )
    assert isinstance(refused, Unavailable)
    assert "maxmemory" in str(refused)
    assert isinstance(created, Unavailable)
    assert getattr(claimed, "id", None) == "a"
    assert "maxmemory" in str(await store.problem())
    server.call("CONFIG", "SET", "maxmemory", 0)
    assert [type(each) for each in await store.execute([append(2)])] == [int]
    await store.stop()


async def test_redis_becomes_a_replica(server: RedisServer) -> None:
    store = await started(server)
    server.call("REPLICAOF", "127.0.0.1", "1")
    with pytest.raises(StoreUnavailable, match="read only replica"):
        await store.execute([append(1)])
    server.call("REPLICAOF", "NO", "ONE")
    assert [type(each) for each in await store.execute([append(1)])] == [int]
    await store.stop()


async def test_everything_is_flushed(server: RedisServer) -> None:
    store = await started(server)
    _, before = await store.execute([create("a"), append(1)])
    server.call("FLUSHALL")
    server.call("FUNCTION", "FLUSH")
    unknown, after = await store.execute([Claim("chat", "a", "one", 0, 60), append(2)])
    assert isinstance(unknown, Unknown)
    assert isinstance(before, int)
    assert isinstance(after, int)
    await store.stop()


async def test_another_program_uses_one_of_the_keys(server: RedisServer) -> None:
    store = await started(server)
    server.call("SET", "thywill:{chat}:client:a", "x")
    refused, created = await store.execute([create("a"), create("b")])
    assert isinstance(refused, Unavailable)
    assert "WRONGTYPE" in str(refused)
    assert created == 0
    await store.stop()


async def test_the_disk_has_it_before_anybody_knows() -> None:
    server = RedisServer("valkey", "appendonly yes", "appendfsync everysec")
    store = store_of(server, safe=Safe.DISK)
    try:
        await store.start(heartbeat("one"))
        assert [type(each) for each in await store.execute([append(1)])] == [int]
        server.call("CONFIG", "SET", "appendonly", "no")
        with pytest.raises(StoreUnavailable, match="cannot make the queue safe"):
            await store.execute([append(2)])
    finally:
        await store.stop()
        server.close()
