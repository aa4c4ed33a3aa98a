"""What happens to the servers of a cluster and to their Redis, again and again until it is cancelled."""

from __future__ import annotations

import asyncio
import time
from itertools import count

from tests.tools.audit.cluster import Cluster
from tests.tools.audit.faults import Stage
from tests.tools.audit.server import Server

LEASE = 6.0
"""Seconds of a leader's lease."""


def _cluster(stage: Stage) -> Cluster:
    assert isinstance(stage.server, Cluster)
    return stage.server


async def _kill(stage: Stage, *servers: Server) -> None:
    for each in servers:
        await each.kill()
    stage.on_kill(time.monotonic())
    stage.done["kills"] += len(servers)
    await asyncio.sleep(stage.rng.choice((0, 1)))
    await _cluster(stage).start()


async def _wait(stage: Stage, seconds: float) -> None:
    """Wait while the leader may lose its lease: hooks whose end is not stored run again on the next one."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        stage.on_kill(time.monotonic())
        await asyncio.sleep(0.5)
    stage.on_kill(time.monotonic())


async def kill_leader(stage: Stage) -> None:
    while True:
        await asyncio.sleep(stage.rng.uniform(3, 6))
        await _kill(stage, await _cluster(stage).leader())


async def kill_carrier(stage: Stage) -> None:
    while True:
        await asyncio.sleep(stage.rng.uniform(3, 6))
        await _kill(stage, await _cluster(stage).carrier())


async def kill_both(stage: Stage) -> None:
    while True:
        await asyncio.sleep(stage.rng.uniform(3, 6))
        cluster = _cluster(stage)
        await _kill(stage, await cluster.carrier(), await cluster.leader())


async def freeze_leader(stage: Stage) -> None:
    while True:
        await asyncio.sleep(stage.rng.uniform(2, 4))
        cluster = _cluster(stage)
        leader = await cluster.leader()
        cluster.freeze(leader)
        stage.done["frozen leaders"] += 1
        try:
            await _wait(stage, LEASE + 3)
        finally:
            cluster.thaw(leader)
        await _wait(stage, 2)


async def roll(stage: Stage) -> None:
    for number in count():
        await asyncio.sleep(stage.rng.uniform(1, 3))
        await _cluster(stage).stop_one(number)
        stage.done["restarts"] += 1


async def kill_redis(stage: Stage) -> None:
    while True:
        await asyncio.sleep(stage.rng.uniform(3, 6))
        redis = _cluster(stage).redis
        redis.kill()
        stage.done["kills of Redis"] += 1
        await asyncio.sleep(stage.rng.choice((0, 2)))
        await asyncio.to_thread(redis.start)


async def freeze_redis(stage: Stage) -> None:
    while True:
        await asyncio.sleep(stage.rng.uniform(2, 4))
        redis = _cluster(stage).redis
        redis.freeze()
        stage.done["frozen Redis"] += 1
        try:
            await _wait(stage, LEASE + 4)
        finally:
            redis.thaw()
        await _wait(stage, 2)
