"""Pages on a server with every push component."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from tornado.ioloop import IOLoop

from tests.conftest import Start
from tests.support.page import Page
from tests.support.serving import Running
from tests.support.transports import SESSIONS, TRANSPORTS, SockJS, Transport


class Desk:
    """One server, which starts when it is needed, and everything that a test opens on it."""

    def __init__(self, start: Start, http: str) -> None:
        self._start = start
        self._http = http
        self._running: Running | None = None
        self._transports: list[Transport] = []

    @property
    def running(self) -> Running:
        """The server."""
        assert self._running is not None
        return self._running

    @property
    def port(self) -> int:
        """Where it listens."""
        return urlsplit(self.running.base).port or 0

    async def serve(self, **changes: dict[str, Any]) -> Running:
        """Start the server, with changes to its settings."""
        changes["server"] = {"http": self._http, **changes.get("server", {})}
        self._running = await self._start(**changes)
        return self._running

    async def page(self, kind: type[Transport] | None = None, *headers: str) -> Page:
        """Return the page of a new client: connected and carried by ``kind``, or carried by nothing yet."""
        if self._running is None:
            await self.serve()
        answer = await self.running.ask("connect", {"application": "probe"})
        page = Page(self.running, answer, self.connect)
        if kind is not None:
            await page.use(kind, *headers)
            await page.step()
        return page

    def connect(self, kind: type[Transport], token: str, *headers: str) -> Transport:
        """Return a transport that is closed after the test."""
        self._transports.append(kind(self.port, token, *headers))
        return self._transports[-1]

    async def session(self, kind: type[SockJS], token: str = "") -> SockJS:
        """Return a SockJS session that is open and has not said whose it is."""
        if self._running is None:
            await self.serve()
        session = self.connect(kind, token)
        assert isinstance(session, SockJS)
        await session.open()
        return session

    async def close(self) -> None:
        """Break everything off."""
        for transport in self._transports:
            await transport.close()


@pytest.fixture(params=TRANSPORTS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> type[Transport]:
    """Each way for messages to travel."""
    chosen: type[Transport] = request.param
    return chosen


@pytest.fixture(params=SESSIONS, ids=lambda kind: kind.name)
def transport(request: pytest.FixtureRequest) -> type[SockJS]:
    """Each transport of SockJS."""
    chosen: type[SockJS] = request.param
    return chosen


@pytest.fixture
def desk(io_loop: IOLoop, start: Start, http: str, caplog: pytest.LogCaptureFixture) -> Iterator[Desk]:
    """Where pages are opened; nothing that they do may leave an error in the log."""
    desk = Desk(start, http)
    yield desk
    io_loop.run_sync(desk.close)
    troubles = [each for each in caplog.records if each.levelno >= logging.ERROR or each.exc_info]
    assert [each.getMessage() for each in troubles] == []
