"""Different applications have different leaders."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support import cluster as support
from tests.support.cluster import Cluster
from tests.support.serving import until
from thywill import Application
from thywill.queue.shared.rows import Election

pytestmark = pytest.mark.gen_test


def led(cluster: Cluster) -> list[int]:
    """Return how many applications each server leads, the fewest first."""
    return sorted(len(server.queue.leaders.leads) for server in cluster.servers if server.is_alive)


async def test_servers_that_start_together_share_the_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "PACE", support.PACE._replace(lead_delay=0.1))
    names = ["chat", *(f"app{number}" for number in range(5))]
    cluster = await Cluster(dict.fromkeys(names, Application)).start(3)
    await until(lambda: sum(led(cluster)) == len(names))
    assert led(cluster)[0] >= 1
    # The leads of one that ends go to both others.
    leads = led(cluster)
    await next(server for server in cluster.servers if len(server.queue.leaders.leads) == leads[-1]).kill()
    cluster.memory.now += 7
    await until(lambda: sum(led(cluster)) == len(names))
    assert led(cluster)[0] >= 2
    await cluster.stop()


async def test_a_server_alone_leads_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "PACE", support.PACE._replace(lead_delay=0.01))
    cluster = await Cluster(dict.fromkeys(["chat", "game", "echo"], Application)).start(1)
    await until(lambda: led(cluster) == [3])
    await cluster.stop()


async def test_a_server_that_stops_leads_nothing_more(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = await Cluster({"chat": Application}).start(2)
    (two,) = cluster.others()
    leaders, elect, elected = two.queue.leaders, two.store.elect, asyncio.Event()

    async def elect_late(*arguments: Any, **options: Any) -> Election:
        election = await elect(*arguments, **options)
        if election.mine:
            elected.set()
            await leaders.stop()
        return election

    monkeypatch.setattr(two.store, "elect", elect_late)
    await (await cluster.leading()).kill()
    cluster.memory.now += 7
    await elected.wait()
    await until(lambda: cluster.memory.applications["chat"].leader == "")
    assert leaders.leads == ()
    await leaders._try_to_lead("chat")
    assert (leaders.leads, cluster.memory.applications["chat"].leader) == ((), "")
    await cluster.stop()
