"""SockJS sessions of a stock client on one port that three processes share: each request meets any one."""

from __future__ import annotations

import asyncio
import http.client
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing

import pytest

from tests.support.redis_servers import RedisServer
from tests.support.served import UNLIMITED, Served
from tests.support.serving import until
from tests.support.stock_page import StockPage

pytestmark = pytest.mark.gen_test

SETTINGS = """
[application_interface]
applications = ["tests.support.probe"]

[push.sockjs]
response = 4_096
pause = 60.0  # a page asks when a busy machine lets it
"""
MESSAGES = 60


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    folder, redis = tmp_path_factory.mktemp("processes"), RedisServer("redis")
    try:
        (folder / "settings.toml").write_text(redis.settings() + SETTINGS + UNLIMITED)
        with Served(folder, "--config", str(folder / "settings.toml"), "--processes", "3") as served:
            yield served.port
    finally:
        redis.close()


@asynccontextmanager
async def living(*pages: StockPage) -> AsyncIterator[None]:
    """Let the pages live; none of them loses its session."""
    tasks = [asyncio.ensure_future(each.live()) for each in pages]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert [(each.losses, len(each.sessions)) for each in pages] == [([], 1)] * len(pages)


@pytest.mark.parametrize("transport", ["xhr_streaming", "xhr", "jsonp"])
async def test_a_stock_client_gets_each_message_once_whichever_server_it_asks(
    port: int, transport: str
) -> None:
    page = StockPage(port, transport)
    async with living(page):
        for number in range(1, MESSAGES + 1):
            page.send({"echo": [number, "x" * 300]})
            await until(lambda number=number: len(page.got) >= number)  # type: ignore[misc]
    assert [number for number, _ in page.got] == list(range(1, MESSAGES + 1))
    assert page.requests > 5  # the stream was begun anew, or there was a poll for each frame


async def test_many_sessions_of_three_processes(port: int) -> None:
    pages = [StockPage(port, "xhr") for _ in range(10)]
    async with living(*pages):
        for page in pages:
            page.send({"echo": page.id})
        await until(lambda: all(page.got == [page.id] for page in pages))


def test_a_session_that_nobody_has_is_not_found(port: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("POST", f"/thywill/sockjs/000/{uuid.uuid4()}/xhr_send", '["x"]')
        assert connection.getresponse().status == 404
