"""Streams on one port that three processes share: each request of a page meets any of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.browser.drivers import Browser, Page
from tests.support.echo_page import CONNECTED, ECHOES, TRANSPORT, open_echo, send
from tests.support.redis_servers import RedisServer
from tests.support.served import FORCIBLE, Served

pytestmark = pytest.mark.browser

SETTINGS = """
[push.sockjs]
response = 400
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    redis = RedisServer("redis")
    try:
        settings = tmp_path / "settings.toml"
        settings.write_text(redis.settings() + SETTINGS)
        options = ("--config", str(settings), "--processes", "3")
        with Served(tmp_path, *options, environment=FORCIBLE) as served:
            yield served
    finally:
        redis.close()


def stream(page: Page, name: str) -> None:
    """Choose a transport; again if a busy machine was too slow for it, and the page fell back to polls."""
    for _ in range(3):
        page.click(f"#echo-ways button[title='{name}']")
        with suppress(AssertionError):
            page.wait_for(f"{CONNECTED} && {TRANSPORT} === '{name}'", timeout=30)
            return
    raise AssertionError(f"{name} was not used: {page.evaluate(TRANSPORT)}")


def test_pages_stream_on_one_port_of_three_processes(
    chromium: Browser, firefox: Browser, server: Served
) -> None:
    pages = [open_echo(chromium, server), open_echo(firefox, server)]
    for page in pages:
        for name in ("eventsource", "xhr-streaming"):
            stream(page, name)
            for number in range(5):
                send(page, f"{name} {number}")  # the stream is begun anew again and again
                page.wait_for(f"{ECHOES}[0] === '{name} {number}'")
            stream(page, name)
    assert all(page.errors == [] for page in pages)
    assert server.lines("ERROR") == []
