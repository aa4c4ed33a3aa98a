"""The chat, as people use it, in real browsers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import Browser
from tests.support.chat_page import BUBBLES, CONNECTED, ENTERED, enter, say, sees
from tests.support.served import Served
from tests.support.threaded_server import ThreadedServer

pytestmark = pytest.mark.browser

WITHOUT_MODERN_WAYS = """
delete window.WebSocket; delete window.fetch; delete window.EventSource; delete window.Promise;
if (window.WebSocket || window.fetch) { throw new Error('still there'); }
"""

END = "thywill.internal.page.dispatchers[0].close({code: 'gone', message: 'ended by a test'})"
FIELD = "document.getElementById('chat-text').value"


@pytest.fixture
def server(tmp_path: Path, http: str) -> Iterator[ThreadedServer]:
    with ThreadedServer(tmp_path, {"server.http": http}) as served:
        yield served


@pytest.fixture
def mortal(tmp_path: Path, http: str) -> Iterator[Served]:
    """A server in a process of its own, which can be killed."""
    with Served(tmp_path, "--http", http) as served:
        yield served


def test_two_browsers_chat_with_one_another(
    chromium: Browser, firefox: Browser, server: ThreadedServer, tmp_path: Path
) -> None:
    one, other = enter(chromium.new_page(), server), enter(firefox.new_page(), server)
    for page in (one, other):
        page.wait_for("document.querySelectorAll('#chat-people li').length === 2")
    one.type("#chat-text", "Hello from here")
    one.press("Enter")
    sees(other, "Hello from here")
    say(other, "And from there: \u00e4 \u2028 \U0001f600")
    sees(one, "And from there: \u00e4 \u2028 \U0001f600")
    for index in range(20):
        say(one, f"message {index}")
    sees(other, "message 19")
    seen = [text for text in other.evaluate(BUBBLES) if text.startswith("message")]
    assert seen == [f"message {index}" for index in range(20)]
    assert one.errors == other.errors == []
    one.screenshot(tmp_path / "chat.png")


def test_a_message_is_text_whatever_it_holds(chromium: Browser, server: ThreadedServer) -> None:
    one, other = enter(chromium.new_page(isolated=True), server), enter(chromium.new_page(), server)
    text = "<img src=x onerror='window.hit = 1'><script>window.hit = 1</script></script>"
    say(one, text)
    sees(other, text)
    assert other.evaluate("window.hit === undefined && document.querySelector('.bubble img') === null")


def test_a_page_without_websocket_and_fetch_works_the_same(browser: Browser, server: ThreadedServer) -> None:
    plain, other = browser.new_page(), browser.new_page(isolated=True)
    plain.add_init_script(WITHOUT_MODERN_WAYS)
    enter(plain, server)
    enter(other, server)
    say(other, "to the old one")
    sees(plain, "to the old one")
    say(plain, "from the old one")
    sees(other, "from the old one")
    assert plain.errors == []


def test_a_page_that_is_closed_leaves(browser: Browser, server: ThreadedServer) -> None:
    one, other = enter(browser.new_page(), server), enter(browser.new_page(isolated=True), server)
    other.wait_for("document.querySelectorAll('#chat-people li').length === 2")
    one.close()
    other.wait_for("document.querySelectorAll('#chat-people li').length === 1")


def test_a_page_goes_on_by_itself_when_its_server_was_restarted(
    browser: Browser, mortal: Served, tmp_path: Path, http: str
) -> None:
    page = enter(browser.new_page(), mortal)
    say(page, "before")
    sees(page, "before")
    mortal.kill()
    page.wait_for("document.getElementById('chat-status-text').innerText.startsWith('Offline')")
    say(page, "said while nobody heard")
    page.type("#chat-text", "and half a thought")
    with Served(tmp_path, "--http", http, port=mortal.port):
        # The memory queue does not know its clients any more, nor what was said.
        sees(page, "said while nobody heard")
        page.wait_for(f"{CONNECTED} && {ENTERED}")
        assert page.evaluate(BUBBLES) == ["said while nobody heard"]
        assert page.evaluate(FIELD) == "and half a thought"
        assert page.evaluate("document.getElementById('chat-gone').offsetHeight") == 0


def test_what_was_not_sent_is_kept_when_the_page_connects_again(
    browser: Browser, mortal: Served, tmp_path: Path, http: str
) -> None:
    page = enter(browser.new_page(), mortal)
    mortal.kill()
    page.wait_for("document.getElementById('chat-status-text').innerText.startsWith('Offline')")
    say(page, "said while nobody heard")
    page.type("#chat-text", "and half a thought")
    page.evaluate(f"({END}, 0)")
    assert "Ended by a test." in page.evaluate("document.getElementById('chat-gone-text').innerText")
    with Served(tmp_path, "--http", http, port=mortal.port):
        page.click("#chat-again")
        page.wait_for(f"{CONNECTED} && {ENTERED}")
        text = page.evaluate(FIELD)
        assert text == "said while nobody heard\nand half a thought"
        page.click("#chat-send")
        sees(page, text)


def test_echo_comes_back(browser: Browser, server: ThreadedServer) -> None:
    page = browser.open(server.address + "echo/")
    page.wait_for("document.getElementById('echo-state').innerText.toLowerCase().includes('connected')")
    page.type("#echo-text", "hello")
    page.press("Enter")
    page.wait_for("document.getElementById('echo-list').innerText.includes('hello')")
    assert page.errors == []


def test_the_index_leads_to_the_applications(chromium: Browser, server: ThreadedServer) -> None:
    page = chromium.open(server.address)
    page.wait_for(
        "document.getElementById('thywill-figures').className === 'figures'"
    )  # nothing moves any more
    page.click_until("a[href='chat/']", "location.pathname === '/chat/'")
    page.wait_for(CONNECTED)
