"""The faults: what happens to requests, to browsers and to the server. Every choice comes from the seed."""

from __future__ import annotations

import asyncio
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.tools.audit.cluster import Cluster
from tests.tools.audit.fleet import Seat
from tests.tools.audit.network import CLEAN, Asked, Network, Plan
from tests.tools.audit.server import Server


@dataclass
class Stage:
    """Where the faults happen."""

    server: Server | Cluster
    network: Network
    seats: Sequence[Seat]
    rng: random.Random
    done: Counter[str] = field(default_factory=Counter)
    on_kill: Callable[[float], None] = lambda now: None


# What happens to a request.

Damage = Callable[[random.Random, Asked], Plan]


def some_bytes(rng: random.Random, most: int) -> int:
    """Return a number of bytes: small ones are as likely as large ones."""
    return int(most ** rng.random()) - 1


def cut_response(rng: random.Random, asked: Asked) -> Plan:
    return Plan(response_cut=some_bytes(rng, rng.choice((300, 3000, 20_000))), reset=rng.random() < 0.3)


def cut_request(rng: random.Random, asked: Asked) -> Plan:
    return Plan(request_cut=rng.randrange(asked.size), reset=rng.random() < 0.3)


def delay(rng: random.Random, asked: Asked) -> Plan:
    seconds = rng.choice((rng.uniform(0, 1), rng.uniform(3, 6)))
    return Plan(request_late=seconds) if rng.random() < 0.4 else Plan(response_late=seconds)


def resend(rng: random.Random, asked: Asked) -> Plan:
    return Plan(resend=rng.choice((0, rng.uniform(0, 0.2), rng.uniform(0, 4))))


def twin_polls(rng: random.Random, asked: Asked) -> Plan:
    if b"send" in asked.path or b"connect" in asked.path:
        return CLEAN
    return Plan(twin=True) if rng.random() < 0.5 else Plan(resend=rng.uniform(0, 0.5))


def give_stale(rng: random.Random, asked: Asked) -> Plan:
    # The Python client's checks would take it for the server's.
    is_poll = asked.path == b"/thywill/poll" and asked.label.startswith("node")
    return Plan(stale=True) if is_poll else CLEAN


def change_address(rng: random.Random, asked: Asked) -> Plan:
    forwarded = f"198.51.100.{rng.randrange(1, 255)}" if rng.random() < 0.5 else None
    return Plan(source=f"127.0.0.{rng.randrange(2, 250)}", forwarded=forwarded)


def trickle(rng: random.Random, asked: Asked) -> Plan:
    return Plan(trickle=True)


def reset_connection(rng: random.Random, asked: Asked) -> Plan:
    return Plan(reset=True, reset_after=rng.choice((0, 0.001, rng.uniform(0, 0.1), rng.uniform(0, 3))))


@dataclass(frozen=True)
class Wear:
    """A fault of one request, and its probability."""

    name: str
    damage: Damage
    chance: float


class Weather:
    """Plans the faults of the network, from a random source for each client.

    Args:
        wears: at most one of them happens to a request.
        seed: of every choice.
        done: counts what happened.
    """

    def __init__(self, wears: Sequence[Wear], seed: str, done: Counter[str]) -> None:
        self._wears = wears
        self._seed = seed
        self._done = done
        self._rngs: dict[str, random.Random] = {}

    def __call__(self, asked: Asked) -> Plan:
        rng = self._rngs.get(asked.label)
        if rng is None:
            rng = self._rngs[asked.label] = random.Random(f"{self._seed} {asked.label}")
        at = rng.random()
        for wear in self._wears:
            if at < wear.chance:
                plan = wear.damage(rng, asked)
                self._done[wear.name] += plan is not CLEAN
                return plan
            at -= wear.chance
        return CLEAN


# What happens to browsers and to the server, again and again until it is cancelled.

Event = Callable[[Stage], Any]


async def change_transports(stage: Stage) -> None:
    while True:
        await asyncio.sleep(stage.rng.uniform(0, 4 / len(stage.seats)))
        stage.rng.choice(stage.seats).move(stage.rng)
        stage.done["moves"] += 1


def fall_asleep(least: float, most: float, every: float) -> Event:
    """Return an event: ``every`` so many seconds a browser sleeps."""

    async def fall(stage: Stage) -> None:
        while True:
            await asyncio.sleep(stage.rng.uniform(0, 2 * every))
            seat, rng = stage.rng.choice(stage.seats), stage.rng
            seat.sleep(rng.uniform(least, most), rng.random() < 0.5)
            stage.done["sleeps"] += 1

    return fall


async def kill(stage: Stage) -> None:
    while True:
        await asyncio.sleep(stage.rng.uniform(2, 6))
        await stage.server.kill()
        stage.on_kill(time.monotonic())
        stage.done["kills"] += 1
        await asyncio.sleep(stage.rng.choice((0, 1)))
        await stage.server.start()


async def restart(stage: Stage) -> None:
    while True:
        await asyncio.sleep(stage.rng.uniform(3, 6))
        await stage.server.stop()
        stage.done["restarts"] += 1
        await stage.server.start()


async def restart_in_place(stage: Stage) -> None:
    while True:
        await asyncio.sleep(stage.rng.uniform(3, 6))
        await stage.server.restart_in_place()
        stage.done["restarts in place"] += 1


async def fill_disk(stage: Stage) -> None:
    while True:
        await asyncio.sleep(stage.rng.uniform(1, 4))
        stage.server.fill_disk()
        stage.done["full disks"] += 1
        try:
            await asyncio.sleep(stage.rng.uniform(0.5, 4))
        finally:
            stage.server.free_disk()


async def lock_database(stage: Stage) -> None:
    while True:
        await asyncio.sleep(stage.rng.uniform(1, 4))
        with stage.server.locked_database():
            stage.done["locks"] += 1
            await asyncio.sleep(stage.rng.uniform(0.5, 7))
