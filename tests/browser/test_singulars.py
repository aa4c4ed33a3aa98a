"""One of a thing is never called several: on the front page, in echo, and on the status page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import Browser
from tests.support.threaded_server import ThreadedServer

pytestmark = pytest.mark.browser

FIGURES = """Array.from(document.querySelectorAll('.figure'))
    .map(each => each.innerText.replace(/\\s+/g, ' ').trim())"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThreadedServer]:
    with ThreadedServer(tmp_path) as served:
        yield served


def test_the_front_page_counts_its_pages(chromium: Browser, server: ThreadedServer) -> None:
    page = chromium.open(server.address)
    page.wait_for(f"{FIGURES}[0] === '1 page connected'")
    other = chromium.open(server.address + "echo/")
    page.wait_for(f"{FIGURES}[0] === '2 pages connected'")
    page.wait_for("document.getElementById('thywill-people-echo').textContent === '1 here'")
    other.close()
    page.wait_for(f"{FIGURES}[0] === '1 page connected'")
    page.wait_for("document.getElementById('thywill-people-echo').textContent === 'nobody here'")


def test_echo_counts_its_trips(chromium: Browser, server: ThreadedServer) -> None:
    page = chromium.open(server.address + "echo/")
    page.wait_for("document.getElementById('echo-state').textContent === 'Connected'")
    label = "document.getElementById('echo-trips').getAttribute('aria-label')"
    page.click("#echo-send")
    page.wait_for(f"{label}.indexOf('One round trip, which took ') === 0")
    page.click("#echo-send")
    page.wait_for(f"{label}.indexOf('2 round trips, the slowest took ') === 0")
    # The browser's own list of requests says how many there were.
    page.evaluate(
        "(echo.Requests.prototype.add.call({count: 0, bytes: 0, row: echo.Requests.prototype.row},"
        " {name: '/thywill/poll', startTime: 0, duration: 1}), 0)"
    )
    page.wait_for(f"{FIGURES}[2] === '1 request'")


def test_the_status_page_counts_its_clients(chromium: Browser, server: ThreadedServer) -> None:
    page = chromium.open(server.address + "thywill/status")
    page.wait_for("(document.getElementById('st-found') || {}).innerText === '0 clients.'")
    chromium.open(server.address + "echo/")
    page.wait_for("document.getElementById('st-found').innerText === '1 client.'")
    page.type("#st-text", "echo")
    page.press("Enter")
    page.wait_for("document.getElementById('st-found').innerText === '1 of 1 fits.'")
    page.wait_for(
        "document.querySelector('#st-tiles .note').innerText.indexOf('1 connected, 1 browser, ') === 0"
    )
    unit = "document.querySelectorAll('#st-tiles .tile')[5].querySelector('.unit').innerText"
    page.wait_for(f"{unit}.trim() === 'messages'")
