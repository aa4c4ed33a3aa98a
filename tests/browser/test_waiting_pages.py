"""What pages show while their application has not answered yet, as with a leader that is just taking over."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from apps.chat import Chat
from apps.display import Display
from apps.draw import Draw
from apps.game import Game
from apps.tabular import Tabular
from tests.browser.drivers import Browser
from tests.support.threaded_server import ThreadedServer
from thywill import Application, Client

pytestmark = pytest.mark.browser

PAGES = {
    Chat: ("Entering Lobby\u2026", "Nothing has been said here yet"),
    Display: ("Waiting for the first figures\u2026", "Lowest"),
    Draw: ("Waiting for the picture\u2026", "You are alone here"),
    Game: ("Waiting for the game\u2026", "(you)"),
    Tabular: ("Waiting for the table\u2026", "Lemonade"),
}
SHOWS = "document.body.innerText.indexOf(%r) >= 0"


@pytest.fixture
def may_greet(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Until this is set, no application answers to a new client."""
    allowed = threading.Event()
    for kind in PAGES:
        monkeypatch.setattr(kind, "on_connect", _late(kind.on_connect, allowed))
    yield allowed
    allowed.set()


def _late(
    greet: Callable[[Application, Client], Awaitable[None]], allowed: threading.Event
) -> Callable[[Application, Client], Awaitable[None]]:
    async def wait(self: Application, client: Client) -> None:
        await asyncio.to_thread(allowed.wait)
        await greet(self, client)

    return wait


def test_a_page_says_what_it_waits_for(chromium: Browser, may_greet: threading.Event, tmp_path: Path) -> None:
    with ThreadedServer(tmp_path) as server:
        try:
            pages = {
                kind: chromium.open(f"{server.address}{kind.__module__.removeprefix('apps.')}/")
                for kind in PAGES
            }
            for kind, (waits, has) in PAGES.items():
                pages[kind].wait_for(f"document.body.innerText.indexOf('Connected') >= 0 && {SHOWS % waits}")
                assert not pages[kind].evaluate(SHOWS % has)
        finally:
            may_greet.set()
        for kind, (waits, has) in PAGES.items():
            pages[kind].wait_for(f"{SHOWS % has} && !({SHOWS % waits})")
