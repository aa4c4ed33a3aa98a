"""The services, on each of the two HTTP servers."""

from __future__ import annotations

import logging
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import pytest
from tornado.ioloop import IOLoop

from tests.support.relays import FakeRelay, SharedNames
from tests.support.serving import stopping_at_once, until
from tests.support.sockjs import Service
from tests.tools.conformance.server import Echo, Services, make_routers
from thywill.config import LimitsSettings
from thywill.hub.relay import Relay
from thywill.push.sockjs import sessions as sessions_module
from thywill.push.sockjs.router import Router
from thywill.push.sockjs.shares import SessionShares
from thywill.push.sockjs.states import SessionState
from thywill.wire.origins import Origins

OPEN = b"o"
GO_AWAY = b'c[3000,"Go away!"]'
TAKEN = b'c[2010,"Another connection still open"]'
INTERRUPTED = b'c[1002,"Connection interrupted"]'


class Lab:
    """The running services, and further ones with settings of the test's own."""

    def __init__(self, http: str, servers: int = 1) -> None:
        self.http = http
        self._shared: dict[str, SharedNames] = defaultdict(SharedNames)
        self._servers = servers
        self._running: list[Services] = []
        self._clients: list[Service] = []

    async def start(self) -> None:
        """Start the services of the suite."""
        for number in range(self._servers):
            routers = make_routers(partial(self._relay, str(number)) if self._servers > 1 else _none)
            await self._run(Services(self.http, 0, routers))

    def _relay(self, server: str, service: str) -> Relay:
        return FakeRelay(self._shared[service], server)

    def service(self, name: str) -> Service:
        """Return a client of one of the suite's services."""
        ports = [each.port for each in self._running[: self._servers]]
        return self._client(f"/{name}", ports)

    async def special(
        self, settings: Mapping[str, Any], *origins: str, limits: LimitsSettings | None = None
    ) -> tuple[Service, Router]:
        """Start an echo with other settings for pages of ``origins``; return a client and the router."""
        shares = SessionShares(limits or LimitsSettings(), Counter())
        router = Router(Echo, "/special", settings, Origins(origins), shares)
        services = await self._run(Services(self.http, 0, [router]))
        return self._client("/special", [services.port]), router

    async def parked(self, session: str) -> None:
        """Wait until a request waits for the frames of the suite's ``session``."""
        name = session.rpartition("/")[2]
        routers = [router for services in self._running for router in services.routers]
        found = [each for router in routers if (each := router.sessions.find(name))]
        await until(lambda: found[0].state is SessionState.WAITING)

    async def _run(self, services: Services) -> Services:
        await services.start()
        self._running.append(services)
        return services

    def _client(self, base: str, ports: Sequence[int]) -> Service:
        self._clients.append(Service(ports[0], base, ports[1:]))
        return self._clients[-1]

    async def stop(self) -> None:
        """Stop everything."""
        for client in self._clients:
            client.close()
        for services in self._running:
            await services.stop()


def later(router: Router, seconds: float) -> None:
    """Let so much time pass for the sessions of a service."""
    now = router.sessions._now
    router.sessions._now = lambda: now() + seconds


def _none(service: str) -> None:
    return None


@pytest.fixture(params=[1, 3], ids=["one server", "three servers"])
def servers(request: pytest.FixtureRequest) -> int:
    """How many servers there are: each request of a session meets the next one."""
    return int(request.param)


@pytest.fixture
def lab(
    io_loop: IOLoop,
    http: str,
    servers: int,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Lab]:
    """The services; nothing that a test sends may leave an error in the log."""
    monkeypatch.setattr(sessions_module, "TICK", 0.02)
    lab = Lab(http, servers)
    io_loop.run_sync(lab.start)
    yield lab
    with stopping_at_once():
        io_loop.run_sync(lab.stop)
    troubles = [each for each in caplog.records if each.levelno >= logging.ERROR or each.exc_info]
    assert [each.getMessage() for each in troubles] == []


@pytest.fixture
def echo(lab: Lab) -> Service:
    """The service that sends back what it gets."""
    return lab.service("echo")


@pytest.fixture
def close(lab: Lab) -> Service:
    """The service that closes every session at once."""
    return lab.service("close")


@pytest.fixture
def session() -> str:
    """The address of a session that nobody has had."""
    return f"/000/{uuid.uuid4()}"
