"""Clients that come, go, stay away and move between servers that share a store."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from tests.support.cluster import Cluster
from tests.support.lobby import Lobby, seen, start
from tests.support.serving import until
from thywill.core.lifecycle import State
from thywill.errors import Gone
from thywill.hub.leases import Timing
from thywill.queue.shared import queue as queue_module
from thywill.queue.shared.base import StoreUnavailable
from thywill.queue.shared.operations import Operation, Outcome, Renew

pytestmark = pytest.mark.gen_test


@pytest.fixture(autouse=True)
def fresh() -> None:
    Lobby.journal = []
    Lobby.gate = None


async def test_the_crash_of_a_follower_loses_nobody() -> None:
    cluster = await start()
    follower, other = cluster.others()
    page, talker = await cluster.connected(follower), await cluster.connected(other)
    await until(lambda: len(seen("connect")) == 2)
    await page.poll(follower, 25.0)
    await follower.kill()
    await talker.send(other, "while it is away")
    await until(lambda: len(seen("message")) == 1)
    assert await page.receive(1, other) == ["while it is away"]
    assert seen("disconnect") == []
    await cluster.stop()


async def test_the_first_poll_may_meet_any_server() -> None:
    cluster = await start()
    page = await cluster.new_page(cluster.servers[0])
    await page.poll(cluster.servers[1])
    await until(lambda: seen("connect") == [(page.id,)])
    await until(lambda: [len(server.room.directory) for server in cluster.servers] == [0, 1, 0])
    await page.send(cluster.servers[2], "hello")
    assert await page.receive(1, cluster.servers[0]) == ["hello"]
    await cluster.stop()


async def test_the_leader_ends_those_who_stay_away() -> None:
    cluster = await start(timing=Timing(grace=60))
    follower = cluster.others()[0]
    page = await cluster.connected(follower)
    await until(lambda: len(seen("connect")) == 1)
    await patience(cluster, 81)
    await until(lambda: seen("disconnect") == [(page.id,)])
    await until(lambda: not follower.room.directory.clients)
    with pytest.raises(Gone, match="grace time"):
        await page.poll(cluster.servers[0])
    await until(lambda: not cluster.memory.applications["chat"].clients)
    await cluster.stop()


async def patience(cluster: Cluster, seconds: float) -> None:
    """Let time pass while leaders renew their leases, as a clock does."""
    executed = cluster.memory.applications["chat"]
    for _ in range(int(seconds)):
        cluster.memory.now += 1
        await until(
            lambda: executed.expired == cluster.memory.now and executed.until >= cluster.memory.now + 5
        )


async def test_a_parked_client_is_renewed() -> None:
    cluster = await start(timing=Timing(grace=0.06))
    follower = cluster.others()[0]
    page = await cluster.connected(follower)
    await page.poll(follower, 25.0)
    applications = cluster.memory.applications["chat"]
    for _ in range(5):
        cluster.memory.now += 0.05
        due = cluster.memory.now + 0.07
        await until(lambda: applications.leases.get(page.id, 0) >= due)  # noqa: B023
    assert seen("disconnect") == []
    await cluster.stop()


def renewals(operations: Sequence[Operation]) -> list[Renew]:
    """Return the operations that renew the leases of clients."""
    return [each for each in operations if isinstance(each, Renew) and (each.clients or each.silent)]


async def test_leases_are_renewed_batch_after_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "RENEWED_AT_ONCE", 1)
    cluster = await start(timing=Timing(grace=0.06))
    follower = cluster.others()[0]
    for _ in range(3):
        await cluster.connected(follower)
    await until(lambda: len(seen("connect")) == 3)
    execute, found = follower.store.execute, []

    async def takes_some_turns(operations: Sequence[Operation]) -> list[Outcome]:
        found.append(len(renewals(operations)))
        for _ in range(10):
            await asyncio.sleep(0)
        return await execute(operations)

    monkeypatch.setattr(follower.store, "execute", takes_some_turns)
    await until(lambda: sum(found) >= 6)
    assert max(found) == 1
    await cluster.stop()


async def test_a_failed_renewal_leaves_the_log_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_module, "RENEWED_AT_ONCE", 1)
    cluster = await start(timing=Timing(grace=0.06))
    follower = cluster.others()[0]
    for _ in range(2):
        last = await cluster.connected(follower)
    await until(lambda: len(seen("connect")) == 2)
    execute, failed = follower.store.execute, []

    async def fails_for_the_last(operations: Sequence[Operation]) -> list[Outcome]:
        for each in renewals(operations):
            if last.id in [client for client, _ in (*each.clients, *each.silent)]:
                failed.append(each)
                raise StoreUnavailable("it is told to be away")
        return await execute(operations)

    monkeypatch.setattr(follower.store, "execute", fails_for_the_last)
    cluster.memory.applications["chat"].lowest.pop(follower.name, None)
    await until(lambda: len(failed) == 3)
    assert follower.name not in cluster.memory.applications["chat"].lowest
    await cluster.stop()


@pytest.mark.parametrize("years", [-60, 60])
async def test_a_server_whose_clock_is_wrong_refuses_nobody(years: int) -> None:
    cluster = await start()
    wrong, right = cluster.servers[:2]
    page = await cluster.connected(right)
    wrong.room.directory._wall = lambda: time.time() + years * 365 * 86_400
    await page.send(wrong, "hello")
    assert await page.receive(1, wrong) == ["hello"]
    other = await cluster.connected(wrong)
    await other.send(right, "good bye")
    assert await other.receive(1, right) == ["good bye"]
    await cluster.stop()


async def test_a_page_that_was_silent_is_told_of_no_loss() -> None:
    cluster = await start(timing=Timing(grace=0.3, pause=0.01))
    follower, other = cluster.others()
    page, talker = await cluster.connected(follower), await cluster.connected(other)
    await until(lambda: len(seen("connect")) == 2)
    there = cluster.memory.applications["chat"]
    directory = follower.room.directory
    silent = directory.clients[page.id]
    await until(lambda: silent in directory.members("chat", "lobby"))  # else it is subscribed afterwards
    silent.state = State.DETACHED
    there.clients[page.id].channels.clear()
    directory.unsubscribe(silent, "lobby")
    await talker.send(other, "not for the silent page")
    await talker.receive(1, other)
    await talker.poll(other)  # acknowledges it
    await until(lambda: there.trimmed >= talker.ids[0])
    await page.poll(other)
    assert (page.got, page.lost) == ([], 0)
    await cluster.stop()


async def test_a_leave_may_meet_any_server() -> None:
    cluster = await start()
    page = await cluster.connected(cluster.servers[0])
    parked = await page.poll(cluster.servers[0], 25.0)
    page.leave(cluster.servers[1])
    await until(lambda: seen("disconnect") == [(page.id,)])
    await until(lambda: bool(parked.calls))
    assert parked.answer == {"gone": "the page has left"}
    await cluster.stop()


async def test_a_disconnect_reaches_the_page_on_another_server_with_its_reason() -> None:
    cluster = await start()
    follower = cluster.others()[0]
    page = await cluster.connected(follower)
    parked = await page.poll(follower, 25.0)
    await page.send(cluster.servers[0], "end me", "too late")
    await until(lambda: bool(parked.calls))
    assert parked.answer == {"gone": "enough"}
    await until(lambda: seen("disconnect") == [(page.id,)])
    assert seen("message") == [(page.id, "end me")]
    await until(lambda: not cluster.memory.applications["chat"].inbox)
    for server in cluster.servers:
        with pytest.raises(Gone, match="enough"):
            await page.poll(server)
    await cluster.stop()


async def test_a_page_that_nobody_knows_connects_anew_whether_it_polls_or_sends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for module in ("claims", "queue"):
        monkeypatch.setattr(f"thywill.queue.shared.{module}.RETRY_DELAYS", (0.01,))
    cluster = await start()
    one, two, _ = cluster.servers
    page = await cluster.connected(one)
    await until(lambda: len(seen("connect")) == 1)
    cluster.memory.applications["chat"].clients.clear()
    for request in (page.poll(two), page.send(two, "hello")):
        with pytest.raises(Gone) as caught:
            await request
        assert caught.value.reconnect
    await cluster.stop()
