"""What happens to the servers of a cluster and to their Redis, once each; ``again`` repeats it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from itertools import count

from tests.tools.audit.cluster import Cluster
from tests.tools.audit.faults import Event, Stage
from tests.tools.audit.redises import Relayed, Replicated, Watched
from tests.tools.audit.server import Server

LEASE = 5.0
"""Seconds of a leader's lease."""
CALM = 2.0
"""Seconds after a fault in which the next one does not come yet."""
YEAR = 365 * 86_400.0
JUMPS = (-YEAR, -86_400.0, -61.0, 61.0, 86_400.0, YEAR)
TURNS = count()

Shot = Callable[[Stage], Awaitable[None]]


def again(*shots: Shot, least: float = 3.0, most: float = 6.0) -> Event:
    """Return an event: one of the faults after another, so many seconds apart, until it is cancelled."""

    async def repeat(stage: Stage) -> None:
        while True:
            await asyncio.sleep(stage.rng.uniform(least, most))
            await stage.rng.choice(shots)(stage)

    return repeat


def _cluster(stage: Stage) -> Cluster:
    assert isinstance(stage.server, Cluster)
    return stage.server


def _relayed(stage: Stage) -> Relayed:
    redises = _cluster(stage).redises
    assert isinstance(redises, Relayed)
    return redises


# Servers.


async def _kill(stage: Stage, *servers: Server) -> None:
    for each in servers:
        await each.kill()
    stage.on_kill(time.monotonic())
    stage.done["kills"] += len(servers)
    await asyncio.sleep(stage.rng.choice((0, 1)))
    await _cluster(stage).start()


async def kill_leader(stage: Stage) -> None:
    await _kill(stage, await _cluster(stage).leader())


async def kill_follower(stage: Stage) -> None:
    await _kill(stage, await _cluster(stage).follower())


async def kill_both(stage: Stage) -> None:
    cluster = _cluster(stage)
    await _kill(stage, await cluster.follower(), await cluster.leader())


async def freeze_leader(stage: Stage) -> None:
    cluster = _cluster(stage)
    leader = await cluster.leader()
    cluster.freeze(leader)
    stage.on_kill(time.monotonic())
    stage.done["frozen leaders"] += 1
    try:
        await asyncio.sleep(LEASE + stage.rng.uniform(0.5, 3))
    finally:
        cluster.thaw(leader)
    await asyncio.sleep(CALM)


async def roll(stage: Stage) -> None:
    await _cluster(stage).stop_one(next(TURNS))
    stage.done["restarts"] += 1


async def change_version(stage: Stage) -> None:
    await _cluster(stage).change_version(next(TURNS))
    stage.done["changes of version"] += 1


async def jump(stage: Stage) -> None:
    cluster = _cluster(stage)
    number = stage.rng.randrange(len(cluster.servers))
    cluster.jump(number, stage.rng.choice(JUMPS))
    stage.done["jumps"] += 1
    await asyncio.sleep(stage.rng.uniform(1, 8))
    cluster.jump(number, 0)


# Redis.


async def kill_redis(stage: Stage) -> None:
    redis = _cluster(stage).redises.master
    redis.kill()
    stage.on_kill(time.monotonic())  # it may be away for longer than the rest of a lease
    stage.done["kills of Redis"] += 1
    await asyncio.sleep(stage.rng.choice((0, 2)))
    await asyncio.to_thread(redis.start)


async def freeze_redis(stage: Stage) -> None:
    redis = _cluster(stage).redises.master
    redis.freeze()
    stage.on_kill(time.monotonic())
    stage.done["frozen Redis"] += 1
    try:
        await asyncio.sleep(LEASE + 4)
    finally:
        redis.thaw()
    await asyncio.sleep(CALM)


async def cut_off(stage: Stage) -> None:
    """Cut a server, often the leader, off from Redis: refused, or swallowed and let through afterwards."""
    cluster, relays = _cluster(stage), _relayed(stage).relays
    one = await stage.rng.choice((cluster.leader, cluster.leader, cluster.follower))()
    relay = relays[cluster.servers.index(one)]
    if stage.rng.random() < 0.5:
        await relay.refuse()
    else:
        relay.swallow()
    stage.on_kill(time.monotonic())
    stage.done["cuts"] += 1
    try:
        await asyncio.sleep(stage.rng.choice((1, LEASE - 1, LEASE + 4)))
    finally:
        await relay.heal()
    await asyncio.sleep(CALM)


async def fail_over(stage: Stage) -> None:
    """Have the replica take over that a sentinel has chosen."""
    redises = _cluster(stage).redises
    assert isinstance(redises, Watched)
    stage.on_kill(time.monotonic())
    await redises.fail_over()
    stage.done["failovers"] += 1
    await asyncio.sleep(CALM)


async def fail_over_behind(stage: Stage) -> None:
    """Have a replica take over that lacks what the old master has confirmed within the last second."""
    redises = _cluster(stage).redises
    assert isinstance(redises, Replicated)
    stage.on_kill(time.monotonic())
    await redises.fail_over(stage.rng.uniform(0.1, 1.5))
    stage.done["failovers"] += 1
    await asyncio.sleep(LEASE + CALM)
