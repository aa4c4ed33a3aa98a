"""Applications in real browsers, with a server that is killed and keeps everything in its database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import Browser
from tests.support.chat_page import CONNECTED, enter, say, sees
from tests.support.cut_page import APPLICATIONS, cut, mend
from tests.support.served import Serve, serving

pytestmark = pytest.mark.browser

STATUS = "document.getElementById('chat-status-text').innerText"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with serving(tmp_path) as start:
        yield start


def test_people_go_on_talking_after_a_kill(browser: Browser, serve: Serve) -> None:
    server = serve("--queue", "database")
    one, other = enter(browser.new_page(), server), enter(browser.new_page(isolated=True), server)
    say(one, "before")
    sees(other, "before")
    server.kill()
    for page in (one, other):
        page.wait_for(f"{STATUS}.startsWith('Offline')")
    say(one, "meanwhile")
    serve("--queue", "database", port=server.port)
    for page in (one, other):
        page.wait_for(CONNECTED, timeout=60)
        sees(page, "meanwhile")
    say(other, "after")
    sees(one, "after")
    texts = other.evaluate("Array.from(document.querySelectorAll('.bubble')).map(b => b.innerText.trim())")
    assert texts == ["before", "meanwhile", "after"]
    assert other.evaluate("document.getElementById('chat-gone').offsetHeight") == 0


def test_a_cut_page_of_each_application_loses_nothing_by_a_kill(
    chromium: Browser, firefox: Browser, serve: Serve
) -> None:
    server = serve("--queue", "database")
    pages = [
        (chromium, firefox)[number % 2].open(f"{server.address}{name}/", isolated=True)
        for number, name in enumerate(APPLICATIONS)
    ]
    cut(*pages)
    server.kill()
    serve("--queue", "database", port=server.port)
    mend(pages)
