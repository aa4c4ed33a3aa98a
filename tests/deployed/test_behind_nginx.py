"""The chat behind the real nginx: set up as it should be, and as people have it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import Browser, Page
from tests.support.proxied import BUFFERING, DEFAULTS, RIGHT, Nginx
from tests.support.served import Served

pytestmark = pytest.mark.browser

OPEN = "document.querySelectorAll('#chat-people li').length > 0"
Start = Callable[[str | None], Nginx]


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Start]:
    """A function that starts the server behind an nginx with these settings."""
    started: list[Nginx | Served] = []

    def start(settings: str | None) -> Nginx:
        served = Served(tmp_path)
        started.append(served)
        nginx = Nginx(tmp_path, served.port, settings)
        started.append(nginx)
        return nginx

    yield start
    for each in reversed(started):
        each.stop()


def say(page: Page, text: str) -> None:
    page.evaluate(
        f"(() => {{ document.getElementById('chat-text').value = {json.dumps(text)};"
        " document.getElementById('chat-send').click(); })()"
    )


def sees(page: Page, text: str) -> None:
    page.wait_for(f"document.getElementById('chat-log').innerText.includes({json.dumps(text)})")


@pytest.mark.parametrize(
    "settings",
    [None, RIGHT, BUFFERING, DEFAULTS],
    ids=["conf/nginx.conf", "right", "buffering", "defaults"],
)
def test_the_chat_works(browser: Browser, behind: Start, settings: str | None) -> None:
    nginx = behind(settings)
    one, other = browser.new_page(isolated=True), browser.new_page(isolated=True)
    for page in (one, other):
        page.open(nginx.address + "chat/")
    for page in (one, other):
        page.wait_for(OPEN)
    for index in range(10):
        say(one, f"there {index}.")
        say(other, f"back {index}.")
    for index in range(10):
        sees(other, f"there {index}.")
        sees(one, f"back {index}.")
    assert one.errors == other.errors == []
