"""The relay: which server has a session, and notes between servers."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from tests.support.cluster import Server
from tests.support.lobby import start
from tests.support.serving import until
from thywill.hub.relay import Relay
from thywill.queue.shared.relay import SETTLING

pytestmark = pytest.mark.gen_test


async def ask(server: Server, name: str, *, claim: bool = False) -> str | None:
    """Return the server that has ``name``, as ``server`` finds it."""
    found: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
    relay = relay_of(server)
    (relay.claim if claim else relay.find)(name, found.set_result)
    return await found


def relay_of(server: Server) -> Relay:
    relay = server.hub.relay
    assert relay is not None
    return relay


async def test_a_name_is_with_the_server_that_has_taken_it() -> None:
    cluster = await start()
    one, two, _ = cluster.servers
    assert [await ask(one, "x7"), await ask(two, "x7")] == ["", ""]
    assert await ask(one, "x7", claim=True) == ""
    assert [await ask(two, "x7", claim=True), await ask(two, "x7"), await ask(one, "x7")] == ["s1", "s1", ""]
    relay_of(one).renew(["x7"])
    relay_of(one).release("x7")
    await until(lambda: cluster.memory.names == {})
    assert await ask(two, "x7", claim=True) == ""
    await cluster.stop()


async def test_a_name_of_a_server_that_has_died_is_free() -> None:
    cluster = await start()
    one, two, three = cluster.servers
    assert await ask(one, "x7", claim=True) == ""
    await one.kill()
    assert await ask(two, "x7") == "s1"  # nobody knows it yet
    cluster.memory.now += 10
    await until(lambda: sorted(cluster.memory.beats) != [])
    for server in (two, three):
        await server.queue.store.heartbeat(server.queue._heartbeat(), 8.0)
        relay_of(server)._read_at = -10.0  # type: ignore[attr-defined]
    assert await ask(two, "x7") == ""
    assert await ask(two, "x7", claim=True) == ""
    assert await ask(three, "x7") == "s2"
    await cluster.stop()


async def test_a_server_that_counts_as_dead_is_listed_before_it_takes_a_name() -> None:
    cluster = await start()
    one, two, _ = cluster.servers
    for server in (one, two):
        server.queue._tasks[0].cancel()
    cluster.memory.now += 10  # both were suspended
    relay_of(one)._listed_until = 0.0  # type: ignore[attr-defined]
    assert await ask(one, "x7", claim=True) == ""
    assert await ask(two, "x7", claim=True) == "s1"
    await cluster.stop()


async def test_after_the_store_was_away_servers_have_some_seconds_to_report() -> None:
    cluster = await start()
    one, two, _ = cluster.servers
    assert await ask(one, "x7", claim=True) == ""
    one.queue._tasks[0].cancel()
    cluster.memory.now += 10
    relay = relay_of(two)
    relay._listed_until = relay._read_at = 0.0  # type: ignore[attr-defined]
    assert await ask(two, "x7", claim=True) == "s1"
    relay._listed_again -= SETTLING  # type: ignore[attr-defined]
    assert await ask(two, "x7", claim=True) == ""
    await cluster.stop()


async def test_notes_arrive_in_order_and_only_where_they_shall() -> None:
    cluster = await start()
    one, two, three = cluster.servers
    got: list[tuple[str, str, bytes]] = []
    for server in (two, three):
        relay_of(server).subscribe(
            lambda sender, note, name=server.name: got.append((name, sender, note)),  # type: ignore[misc]
            lambda _: None,
        )
    for number in range(20):
        relay_of(one).send("s2", b"%d" % number)
    relay_of(one).send("s3", b"the last")
    await until(lambda: len(got) == 21)
    assert got == [*(("s2", "s1", b"%d" % number) for number in range(20)), ("s3", "s1", b"the last")]
    await cluster.stop()


async def test_a_server_that_has_missed_a_note_is_named() -> None:
    cluster = await start()
    one, two, _ = cluster.servers
    missed: list[str] = []
    relay_of(one).subscribe(lambda sender, note: None, missed.append)
    relay_of(one).send("s2", b"heard")
    await two.kill()
    for server in ("s2", "s3"):
        relay_of(one).send(server, b"a note")
    await until(partial(bool, missed))
    assert missed == ["s2"]
    await cluster.stop()


async def test_nobody_can_know_while_the_store_is_away(caplog: pytest.LogCaptureFixture) -> None:
    cluster = await start()
    one, two, _ = cluster.servers
    one.store.fault = "away"
    assert await ask(one, "x7", claim=True) is None
    assert await ask(one, "x7") is None
    relay_of(one).send("s2", b"lost")
    await until(lambda: "1 notes to other servers are lost" in caplog.text)
    one.store.release_waiting()
    got: list[bytes] = []
    relay_of(two).subscribe(lambda sender, note: got.append(note), lambda _: None)
    relay_of(one).send("s2", b"a note")
    await until(partial(bool, got))
    assert got == [b"a note"]
    await cluster.stop()
