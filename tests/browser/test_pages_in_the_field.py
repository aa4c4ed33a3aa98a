"""What pages meet in the field: full storage, old libraries, doubled scripts, proxies that hold back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import Browser, Page
from tests.support.blocks import BlockProxy
from tests.support.chat_page import CONNECTED, enter, say, sees
from tests.support.threaded_server import ThreadedServer

pytestmark = pytest.mark.browser

CLIENT = "thywill.internal.page.dispatchers[0].owner"
PROTOTYPE = """
Array.prototype.toJSON = function () { return '[' + this.join(', ') + ']'; };
String.prototype.toJSON = function () { return '"' + this + '"'; };
"""
FULL = """
Storage.prototype.setItem = function () { throw new DOMException('full', 'QuotaExceededError'); };
"""
BLOCKED = """
Object.defineProperty(window, 'localStorage', {
  get() { throw new DOMException('blocked', 'SecurityError'); }
});
"""
MOVING = """
document.addEventListener('DOMContentLoaded', () => history.replaceState(null, '', '/far/away/from/here'));
"""
AGAIN = """(() => {
  const script = document.createElement('script');
  script.src = document.querySelector('script[src$="client.js"]').src + '?again';
  script.onload = () => { window.loadedAgain = true; };
  document.head.appendChild(script);
})()"""
TABS = 8


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThreadedServer]:
    with ThreadedServer(tmp_path) as served:
        yield served


def speech(text: str) -> str:
    return f"{CLIENT}.call('say', {json.dumps(['Lobby', text])})"


def talk(one: Page, other: Page, word: str) -> None:
    say(one, f"{word} there")
    sees(other, f"{word} there")
    say(other, f"{word} back")
    sees(one, f"{word} back")


def test_the_last_words_of_a_page_arrive(browser: Browser, server: ThreadedServer) -> None:
    one, other = enter(browser.new_page(), server), enter(browser.new_page(isolated=True), server)
    one.evaluate(
        "(addEventListener('beforeunload', () => {" + speech("before") + "}),"
        "addEventListener('pagehide', () => {" + speech("hiding") + "}),"
        f"{', '.join(speech(text) for text in ('one', 'two', 'three'))}, location.href = 'about:blank', 0)"
    )
    for text in ("one", "two", "three", "before", "hiding"):
        sees(other, text)


def test_our_script_twice_changes_nothing(browser: Browser, server: ThreadedServer) -> None:
    one, other = enter(browser.new_page(), server), enter(browser.new_page(isolated=True), server)
    one.evaluate(f"{AGAIN}, 0")
    one.wait_for("window.loadedAgain")
    talk(one, other, "twice")
    assert one.errors == []


@pytest.mark.parametrize("script", [PROTOTYPE, MOVING], ids=["prototype", "replaceState"])
def test_what_a_page_does_to_itself_does_no_harm(
    browser: Browser, server: ThreadedServer, script: str
) -> None:
    one, other = browser.new_page(), enter(browser.new_page(isolated=True), server)
    one.add_init_script(script)
    enter(one, server)
    talk(one, other, "altered")


@pytest.mark.parametrize("script", [FULL, BLOCKED], ids=["full", "blocked"])
def test_many_tabs_without_storage_do_not_freeze(
    browser: Browser, server: ThreadedServer, script: str
) -> None:
    pages = [browser.new_page() for _ in range(TABS)]
    for page in pages:
        page.add_init_script(script)
        enter(page, server)
    for index, page in enumerate(pages):
        say(page, f"by {index}")
    for index in range(TABS):
        sees(pages[index - 1], f"by {index}")
    carriers = {page.evaluate(f"{CLIENT}.transport") for page in pages}
    assert carriers == {"longpoll"}


def test_an_address_forces_no_transport(browser: Browser, server: ThreadedServer) -> None:
    for name in ("train", "jsonp", "longpoll"):
        page = browser.new_page(isolated=True)
        page.open(f"{server.address}chat/?transport={name}")
        page.wait_for(CONNECTED)
        page.wait_for(f"/streaming|eventsource/.test({CLIENT}.transport)")
        page.close()


def test_streams_behind_a_proxy_that_passes_blocks_are_abandoned(
    browser: Browser, server: ThreadedServer
) -> None:
    other = enter(browser.new_page(isolated=True), server)
    with BlockProxy(server.port) as proxy:
        one = browser.new_page(isolated=True)
        one.open(f"{proxy.address}chat/")
        one.wait_for(CONNECTED)
        one.wait_for(f"{CLIENT}.transport && {CLIENT}.transport !== 'longpoll'")
        for index in range(100):
            say(other, f"block {index}")
            sees(one, f"block {index}")
            if one.evaluate(f"{CLIENT}.transport") == "longpoll":
                break
        assert one.evaluate(f"{CLIENT}.transport") == "longpoll"
