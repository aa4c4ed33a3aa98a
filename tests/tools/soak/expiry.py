"""How long the loop is held up while 10,000 clients expire: ``python3 -m tests.tools.soak.expiry``."""

from __future__ import annotations

from tests.gate.entry import enter

if __name__ == "__main__":
    enter("tests.tools.soak.expiry")

import argparse
import asyncio
import tempfile
import time
from pathlib import Path

import uvloop

from tests.gate.environment import ROOT
from tests.support.serving import sections, until
from thywill.config import Settings
from thywill.core.lifecycle import State
from thywill.errors import Gone
from thywill.process.runtime import spare_the_collector
from thywill.server import Service

GRACE = 3600.0


class Parked:
    """A receiver of the hub that answers nobody."""

    def flush(self) -> None:
        pass

    def expire(self) -> None:
        pass

    def supersede(self) -> None:
        pass

    def retry(self, seconds: float) -> None:
        pass

    def end(self, reason: Gone) -> None:
        pass


class Turns:
    """Times the turns of the running loop, each from one call of its own to the next.

    ``work`` is the longest by what the loop's thread did in it, ``wait`` by the clock: on a machine with
    other work the second says more about that.
    """

    def __init__(self) -> None:
        self.work = self.wait = 0.0
        self._loop = asyncio.get_running_loop()
        self._before = (time.thread_time(), time.perf_counter())
        self._handle = self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        now = (time.thread_time(), time.perf_counter())
        self.work = max(self.work, now[0] - self._before[0])
        self.wait = max(self.wait, now[1] - self._before[1])
        self._before = now
        self._handle = self._loop.call_soon(self._turn)

    def stop(self) -> None:
        """Stop timing."""
        self._handle.cancel()


async def expire(count: int, folder: Path, level: str) -> Turns:
    """Let ``count`` clients expire in one tick; return what it did to the turns of the loop."""
    settings = sections(
        folder,
        push={"components": ["longpoll"], "longpoll": {"grace": GRACE}},
        log={"component": "file", "level": level},
    )
    service = Service(Settings(settings, "settings"), ROOT)
    await service.start()
    hub = service.hub
    clients = [hub.create("probe", f"session {number}") for number in range(count)]
    for number, client in enumerate(clients):
        hub.poll(client, Parked(), 0, 0)
        hub.release(client)
        if number % 100 == 0:
            await asyncio.sleep(0)
    spare_the_collector()
    await asyncio.sleep(2)
    for client in clients:
        client.state = State.DETACHED
        hub._leases.hold(client, 0)
    turns = Turns()
    await until(lambda: not hub._clients and not service.applications._mailboxes)  # type: ignore[attr-defined]
    await asyncio.sleep(1)  # the records are written
    turns.stop()
    await service.stop()
    return turns


def main(arguments: list[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.tools.soak.expiry", description=__doc__)
    parser.add_argument("clients", nargs="?", type=int, default=10_000)
    parser.add_argument("--log-level", default="info")
    options = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory() as folder,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        turns = runner.run(expire(options.clients, Path(folder), options.log_level))
    print(f"{options.clients} clients expire at once: the longest turn of the loop takes", end=" ")
    print(f"{turns.work * 1000:.1f} ms of CPU, {turns.wait * 1000:.1f} ms by the clock")
