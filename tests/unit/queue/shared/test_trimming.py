"""The log of several servers is too long: who keeps up loses nothing, and the others are told how much."""

from __future__ import annotations

from functools import partial

import pytest

from tests.support.cluster import Cluster, ClusterPage, Server
from tests.support.lobby import Lobby, seen, start
from tests.support.serving import until
from thywill.core.message import Address, Message
from thywill.queue.shared.queue import SharedQueueSettings

pytestmark = pytest.mark.gen_test


@pytest.fixture(autouse=True)
def fresh() -> None:
    Lobby.journal = []
    Lobby.gate = None


async def started(monkeypatch: pytest.MonkeyPatch, **settings: int) -> Cluster:
    """Return three servers with these settings of the queue."""
    monkeypatch.setattr("tests.support.cluster.SharedQueueSettings", partial(SharedQueueSettings, **settings))
    return await start()


async def pages_at(cluster: Cluster, *servers: Server) -> list[ClusterPage]:
    pages = [await cluster.connected(server) for server in servers]
    clients = cluster.memory.applications["chat"].clients
    await until(lambda: all(page.id in clients and clients[page.id].channels for page in pages))
    return pages


async def flood(server: Server, page: ClusterPage, first: int, end: int) -> None:
    """Send ``page`` the numbers from ``first`` to ``end``, which it does not read."""
    for number in range(first, end):
        await server.queue.append("chat", Address.client(page.id), Message(b"%d" % number))


async def test_who_keeps_up_is_told_of_no_loss_when_the_log_is_trimmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = await started(monkeypatch, entries=10)
    one, two, three = cluster.servers
    reader, hog = await pages_at(cluster, one, two)
    await one.queue.append("chat", Address.channel("lobby"), Message(b'"first"'))
    await reader.receive(1, one, three)
    await flood(three, hog, 0, 40)
    there = cluster.memory.applications["chat"]
    await until(lambda: there.trimmed > reader.cursor)
    for server in cluster.servers:
        await reader.poll(server)
    assert reader.lost == 0
    await one.queue.append("chat", Address.channel("lobby"), Message(b'"last"'))
    assert await reader.receive(2, *cluster.servers) == ["first", "last"]
    await cluster.stop()


async def test_a_server_that_has_just_started_knows_who_has_kept_up(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = await started(monkeypatch, entries=10)
    one, two, three = cluster.servers
    reader, hog = await pages_at(cluster, one, two)
    await flood(three, hog, 0, 40)
    there = cluster.memory.applications["chat"]
    await until(lambda: there.trimmed > reader.cursor)
    await reader.poll(await cluster.add())
    assert reader.lost == 0
    await cluster.stop()


@pytest.mark.parametrize("dies", [False, True])
async def test_who_reads_nothing_is_told_how_many_messages_it_has_lost(
    monkeypatch: pytest.MonkeyPatch, dies: bool
) -> None:
    cluster = await started(monkeypatch, entries=10)
    hog_at, other = cluster.others()
    _, hog = await pages_at(cluster, other, hog_at)
    there = cluster.memory.applications["chat"]
    for number in range(0, 40, 8):
        await flood(other, hog, number, number + 8)
        await until(lambda: bool(there.looks) and there.looks[-1][0] == there.last)
    await until(lambda: there.clients[hog.id].dropped > 0)
    if dies:
        await hog_at.kill()
    for _ in range(3):
        await hog.poll(other)
    assert 0 < len(hog.got) < 10
    assert hog.lost == 40 - len(hog.got)
    assert hog.got == list(range(hog.lost, 40))
    await cluster.stop()


async def test_who_holds_most_drops_first_and_makes_room_in_the_store(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = await started(monkeypatch, log_messages=200)
    one, two, three = cluster.servers
    behind, hog = await pages_at(cluster, two, two)
    for number in range(2):
        await one.queue.append("chat", Address.client(behind.id), Message(b"%d" % number))
    await flood(three, hog, 0, 300)
    there = cluster.memory.applications["chat"]
    await until(lambda: there.clients[hog.id].dropped > 0)
    assert len(there.log) < 302
    assert await behind.receive(2, three) == [0, 1]
    assert behind.lost == 0
    while len(hog.got) + hog.lost < 300:
        await hog.poll(one)
    assert hog.lost > 0
    assert hog.got == list(range(hog.lost, 300))
    await cluster.stop()


async def test_a_loss_is_told_once_wherever_the_page_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = await started(monkeypatch, log_messages=200)
    one, two, three = cluster.servers
    (hog,) = await pages_at(cluster, two)
    await flood(three, hog, 0, 300)
    there = cluster.memory.applications["chat"]
    await until(lambda: there.clients[hog.id].dropped > 0)
    for server in (one, two, three, one, two, three):
        await hog.poll(server)
    assert len(hog.got) + hog.lost == 300
    assert seen("disconnect") == []
    await cluster.stop()
