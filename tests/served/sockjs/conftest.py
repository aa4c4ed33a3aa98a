"""The services, on each of the two HTTP servers."""

from __future__ import annotations

import logging
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from tornado.ioloop import IOLoop

from tests.support.serving import stopping_at_once, until
from tests.support.sockjs import Service
from tests.tools.conformance.server import Echo, Services
from thywill.config import LimitsSettings
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

    def __init__(self, http: str) -> None:
        self.http = http
        self._running: list[Services] = []
        self._clients: list[Service] = []

    async def start(self) -> None:
        """Start the services of the suite."""
        await self._run(Services(self.http, 0))

    def service(self, name: str) -> Service:
        """Return a client of one of the suite's services."""
        return self._client(self._running[0].port, f"/{name}")

    async def special(
        self, settings: Mapping[str, Any], *origins: str, limits: LimitsSettings | None = None
    ) -> tuple[Service, Router]:
        """Start an echo with other settings for pages of ``origins``; return a client and the router."""
        shares = SessionShares(limits or LimitsSettings(), Counter())
        router = Router(Echo, "/special", settings, Origins(origins), shares)
        services = await self._run(Services(self.http, 0, [router]))
        return self._client(services.port, "/special"), router

    async def parked(self, session: str) -> None:
        """Wait until a request waits for the frames of the suite's ``session``."""
        name = session.rpartition("/")[2]
        found = [each for router in self._running[0].routers if (each := router.sessions.find(name))]
        await until(lambda: found[0].state is SessionState.WAITING)

    async def _run(self, services: Services) -> Services:
        await services.start()
        self._running.append(services)
        return services

    def _client(self, port: int, base: str) -> Service:
        self._clients.append(Service(port, base))
        return self._clients[-1]

    async def stop(self) -> None:
        """Stop everything."""
        for client in self._clients:
            client.close()
        for services in self._running:
            await services.stop()


@pytest.fixture
def lab(
    io_loop: IOLoop, http: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Lab]:
    """The services; nothing that a test sends may leave an error in the log."""
    monkeypatch.setattr(sessions_module, "TICK", 0.02)
    lab = Lab(http)
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
