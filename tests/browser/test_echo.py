"""The echo, as people see it: what travels, and by which transport."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import Browser
from tests.support.cut_page import cut, mend
from tests.support.echo_page import CONNECTED, COUNT, ECHOES, ROWS, TRANSPORT, open_echo, send
from tests.support.served import Serve, serving
from tests.support.threaded_server import ThreadedServer

pytestmark = pytest.mark.browser


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThreadedServer]:
    with ThreadedServer(tmp_path) as served:
        yield served


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with serving(tmp_path) as start:
        yield start


def test_two_browsers_change_their_transport(
    chromium: Browser, firefox: Browser, server: ThreadedServer
) -> None:
    pages = [open_echo(chromium, server), open_echo(firefox, server)]
    for name in ("longpoll", "jsonp", "eventsource", "xhr-streaming"):
        for page in pages:
            page.click(f"#echo-ways button[title='{name}']")
            page.wait_for(f"{CONNECTED} && {TRANSPORT} === '{name}'")
            send(page, name)
            page.wait_for(f"{ECHOES}[0] === '{name}'")
    assert all(page.errors == [] for page in pages)


def test_each_request_is_shown(chromium: Browser, firefox: Browser, server: ThreadedServer) -> None:
    for browser in (chromium, firefox):
        page = open_echo(browser, server)
        page.click("#echo-many")
        page.wait_for(f"{COUNT} === '20'")
        page.wait_for(f"{ROWS}.some(row => /^\u2191 send.*ms.* B$/.test(row))")
        page.wait_for("parseFloat(document.getElementById('echo-median').textContent) > 0")
        sends = page.evaluate(f"{ROWS}.filter(row => /^\u2191 send/.test(row)).length")
        assert sends <= 3
        assert page.evaluate(f"{ECHOES}.slice(0, 2)") == ["number 20", "number 19"]


def test_a_text_is_text(chromium: Browser, server: ThreadedServer) -> None:
    page = open_echo(chromium, server)
    page.evaluate("(document.getElementById('echo-text').value = '<img src=x onerror=hit=1>\u202e', 0)")
    page.click("#echo-send")
    page.wait_for(f"{ECHOES}[0] === '<img src=x onerror=hit=1>\u202e'")
    assert page.evaluate("typeof window.hit === 'undefined'")


def test_it_goes_on_after_a_kill(chromium: Browser, firefox: Browser, serve: Serve) -> None:
    server = serve("--queue", "database")
    pages = [open_echo(chromium, server), open_echo(firefox, server)]
    server.kill()
    for page in pages:
        page.wait_for("document.getElementById('echo-state').textContent.startsWith('Offline')")
        page.click("#echo-many")
    serve("--queue", "database", port=server.port)
    for page in pages:
        page.wait_for(f"{COUNT} === '20'")
        assert page.evaluate(ECHOES) == [f"number {number}" for number in range(20, 0, -1)]


def test_a_cut_connection_loses_nothing(chromium: Browser, server: ThreadedServer) -> None:
    page = open_echo(chromium, server)
    cut(page)
    page.wait_for("document.getElementById('echo-state').textContent.startsWith('Offline')")
    page.click("#echo-many")
    mend([page])
    page.wait_for(f"{COUNT} === '20'")
    assert page.errors == []
