"""The servers under test, and what has to be true after every test: nothing is left of it anywhere."""

from __future__ import annotations

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from tornado.ioloop import IOLoop
from tornado.netutil import bind_sockets

from tests.support.serving import stopping_at_once, until
from tests.support.wire import Answer, Wire
from tests.unit.http.place import Place
from thywill.http import server as server_module
from thywill.http.proxies import TrustedProxies
from thywill.http.reader import Limits
from thywill.http.server import FastServer, Server
from thywill.http.shared import Timeouts
from thywill.http.tornado.server import TornadoServer

FAST_TICK = 0.02
"""Seconds; with the wheel's own tick every time-out would take a second more."""


class LogCollector(logging.Handler):
    """What is logged; a test says which errors it expects."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def expect(self, text: str) -> None:
        """Drop the records that hold ``text``; there has to be one."""
        assert self.holds(text), f"nothing was logged of {text!r}"
        self.forget(text)

    def forget(self, text: str) -> None:
        """Drop the records that hold ``text``."""
        self.records = [record for record in self.records if text not in self.format(record)]

    def holds(self, text: str) -> bool:
        """Tell whether ``text`` was logged."""
        return any(text in self.format(record) for record in self.records)

    def troubles(self) -> list[str]:
        """Return what nobody should have to read: errors, tracebacks, complaints of the loop."""
        return [
            self.format(record)
            for record in self.records
            if record.levelno >= logging.ERROR
            or record.exc_info
            or (record.name == "asyncio" and record.levelno >= logging.WARNING)
        ]


@dataclass
class Served:
    """A server that runs, its site, and the connections that a test made to it."""

    kind: str
    server: Any
    place: Place
    port: int
    wires: list[Wire] = field(default_factory=list)

    @property
    def tornado(self) -> bool:
        """Whether this is Tornado's own server."""
        return self.kind == "tornado"

    async def connect(self, *, slow: bool = False) -> Wire:
        """Return a new connection; it is closed after the test."""
        wire = await Wire.connect(self.port, slow=slow)
        self.wires.append(wire)
        return wire

    async def ask(self, target: str = "/now", *headers: str, **fields: Any) -> Answer:
        """Return the answer to a request on a connection of its own."""
        wire = await self.connect()
        answer = await wire.ask(target, *headers, **fields)
        wire.close()
        return answer

    def connections(self) -> int:
        """Return how many connections the server knows."""
        server = self.server._server if self.tornado else self.server
        return len(server._connections)

    async def parked(self, count: int) -> None:
        """Wait until ``count`` requests are parked."""
        await until(lambda: len(self.place.parked) >= count)

    def inside(self, wire: Wire) -> Any:
        """Return our server's own object for ``wire``."""
        (connection,) = (
            each
            for each in self.server._connections
            if each.transport.get_extra_info("peername") == wire.address
        )
        return connection

    async def empty(self) -> None:
        """Wait until the server knows no connection."""
        await until(lambda: self.connections() == 0)

    async def stop(self) -> None:
        for wire in self.wires:
            wire.close()
        await self.server.stop(5)
        await self.empty()


OURS = pytest.mark.parametrize("kind", ["fast", "uvloop"], indirect=True)
"""For what Tornado's own server does not do at all; the reason stands beside each use."""

Serve = Callable[..., Awaitable[Served]]


@pytest.fixture(params=["fast", "uvloop", "tornado"])
def kind(request: pytest.FixtureRequest) -> str:
    """Our server on asyncio's loop, the same on uvloop's, and Tornado's server."""
    return str(request.param)


@pytest.fixture
def io_loop(kind: str) -> Iterator[IOLoop]:
    loop = pytest.importorskip("uvloop").new_event_loop() if kind == "uvloop" else asyncio.new_event_loop()
    wrapper = IOLoop(make_current=False, asyncio_loop=loop)
    asyncio.set_event_loop(loop)
    yield wrapper
    asyncio.set_event_loop(None)
    wrapper.close(all_fds=True)


@pytest.fixture(scope="package", autouse=True)
def _quick_collections() -> Iterator[None]:
    """Keep what was there before the tests out of the many collections that look for lost errors."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


@pytest.fixture
def logged() -> Iterator[LogCollector]:
    """What is logged during the test."""
    logged, root = LogCollector(), logging.getLogger()
    level = root.level
    root.addHandler(logged)
    root.setLevel(logging.DEBUG)
    yield logged
    root.removeHandler(logged)
    root.setLevel(level)


@pytest.fixture
def serve(
    kind: str, io_loop: IOLoop, logged: LogCollector, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Serve]:
    """A function that starts a server, perhaps of ``another`` kind."""
    monkeypatch.setattr(server_module, "TICK", FAST_TICK)
    running: list[Served] = []

    async def start(
        limits: Limits | None = None,
        timeouts: Timeouts | None = None,
        *,
        proxies: tuple[str, ...] = (),
        another: str | None = None,
    ) -> Served:
        chosen, place = another or kind, Place()
        server: Server = (TornadoServer if chosen == "tornado" else FastServer)(
            place.site(), limits or Limits(), timeouts or Timeouts(), TrustedProxies(proxies)
        )
        sockets = bind_sockets(0, "127.0.0.1", backlog=2048)
        await server.start(sockets)
        running.append(Served(chosen, server, place, sockets[0].getsockname()[1]))
        return running[-1]

    yield start
    with stopping_at_once():
        for served in running:
            io_loop.run_sync(served.stop)
    io_loop.run_sync(nothing_runs)
    # Errors that nobody looked at are told of when they are collected.
    gc.collect()
    assert logged.troubles() == []


async def nothing_runs() -> None:
    await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
