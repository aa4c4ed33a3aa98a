"""Pages on a server with every push component."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from tornado.ioloop import IOLoop

from tests.conftest import Start
from tests.push.carriers import CARRIERS, SESSIONS, Carrier, SockJS
from tests.push.page import Page
from tests.serving import Running

Open = Callable[..., Awaitable[Page]]


@pytest.fixture(params=CARRIERS, ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> type[Carrier]:
    """Each way for messages to travel."""
    chosen: type[Carrier] = request.param
    return chosen


@pytest.fixture(params=SESSIONS, ids=lambda kind: kind.name)
def transport(request: pytest.FixtureRequest) -> type[SockJS]:
    """Each transport of SockJS."""
    chosen: type[SockJS] = request.param
    return chosen


@pytest.fixture
def open_page(io_loop: IOLoop, start: Start, http: str, caplog: pytest.LogCaptureFixture) -> Iterator[Open]:
    """A function that opens a page on one server; the first call takes changes to its settings.

    Nothing that a page does may leave an error in the log.
    """
    servers: list[Running] = []
    pages: list[Page] = []

    async def open_one(kind: type[Carrier] | None = None, *headers: str, **changes: dict[str, Any]) -> Page:
        if not servers:
            changes["server"] = {"http": http, **changes.get("server", {})}
            servers.append(await start(**changes))
        pages.append(await Page.connect(servers[0], kind, *headers))
        return pages[-1]

    yield open_one
    for page in pages:
        io_loop.run_sync(page.close)
    io_loop.run_sync(lambda: asyncio.sleep(0))
    troubles = [each for each in caplog.records if each.levelno >= logging.ERROR or each.exc_info]
    assert [each.getMessage() for each in troubles] == []
