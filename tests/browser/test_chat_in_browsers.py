"""The chat, as people use it, in real browsers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import Browser
from tests.support.chat_page import BUBBLES, CONNECTED, ENTERED, enter, rename, say, sees
from tests.support.here import ServedHere
from tests.support.served import Served

pytestmark = pytest.mark.browser

WITHOUT_MODERN_WAYS = """
delete window.WebSocket; delete window.fetch; delete window.EventSource; delete window.Promise;
if (window.WebSocket || window.fetch) { throw new Error('still there'); }
"""

END = "thywill.internal.page.dispatchers[0].close({code: 'gone', message: 'ended by a test'})"
FIELD = "document.getElementById('chat-text').value"
NAME = "document.getElementById('chat-you').textContent"
DISC = "document.getElementById('chat-you-disc')"
TITLE = "document.getElementById('chat-title').textContent"
TYPING = "document.getElementById('chat-typing').textContent"
PEOPLE = "Array.from(document.querySelectorAll('#chat-people .person-name')).map(name => name.textContent)"
NOTICES = "Array.from(document.querySelectorAll('.notice')).map(line => line.textContent)"


@pytest.fixture
def server(tmp_path: Path, http: str) -> Iterator[ServedHere]:
    with ServedHere(tmp_path, {"server.http": http}) as served:
        yield served


@pytest.fixture
def mortal(tmp_path: Path, http: str) -> Iterator[Served]:
    """A server in a process of its own, which can be killed."""
    with Served(tmp_path, "--http", http) as served:
        yield served


def test_two_browsers_chat_with_one_another(
    chromium: Browser, firefox: Browser, server: ServedHere, tmp_path: Path
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


def test_a_message_is_text_whatever_it_holds(chromium: Browser, server: ServedHere) -> None:
    one, other = enter(chromium.new_page(isolated=True), server), enter(chromium.new_page(), server)
    text = "<img src=x onerror='window.hit = 1'><script>window.hit = 1</script></script>"
    say(one, text)
    sees(other, text)
    assert other.evaluate("window.hit === undefined && document.querySelector('.bubble img') === null")


def test_a_page_without_websocket_and_fetch_works_the_same(browser: Browser, server: ServedHere) -> None:
    plain, other = browser.new_page(), browser.new_page(isolated=True)
    plain.add_init_script(WITHOUT_MODERN_WAYS)
    enter(plain, server)
    enter(other, server)
    say(other, "to the old one")
    sees(plain, "to the old one")
    say(plain, "from the old one")
    sees(other, "from the old one")
    assert plain.errors == []


def test_a_page_that_is_closed_leaves(browser: Browser, server: ServedHere) -> None:
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
    assert "ended by a test" in page.evaluate("document.getElementById('chat-gone-text').innerText")
    with Served(tmp_path, "--http", http, port=mortal.port):
        page.click("#chat-again")
        page.wait_for(f"{CONNECTED} && {ENTERED}")
        text = page.evaluate(FIELD)
        assert text == "said while nobody heard\nand half a thought"
        page.click("#chat-send")
        sees(page, text)


def test_ada_stays_ada_over_a_reload(browser: Browser, server: ServedHere) -> None:
    ada, ben = enter(browser.new_page(), server), enter(browser.new_page(isolated=True), server)
    rename(ada, "Ada")
    say(ada, "hello")
    sees(ben, "hello")
    colour = ada.evaluate(f"{DISC}.className")
    notices = ben.evaluate(NOTICES)
    enter(ada, server)
    sees(ada, "hello")
    assert ada.evaluate(f"[{NAME}, {DISC}.className]") == ["Ada", colour]
    assert ada.evaluate("document.querySelector('.mine .author').textContent") == "You"
    second = enter(browser.new_page(), server)
    assert second.evaluate(NAME) == "Ada"
    second.close()
    say(ben, "still two")
    sees(ada, "still two")
    assert ben.evaluate(NOTICES) == notices
    assert ben.evaluate("document.querySelectorAll('#chat-people li').length") == 2


def test_a_private_message_is_seen_by_the_two(browser: Browser, server: ServedHere) -> None:
    ada, ben, cem = (enter(browser.new_page(isolated=True), server) for _ in range(3))
    for page, name in ((ada, "Ada"), (ben, "Ben"), (cem, "Cem")):
        rename(page, name)
    ada.wait_for(f"{PEOPLE}.join() === 'Ada,Ben,Cem'")
    ada.click("#chat-people li:nth-child(2) a")
    ada.wait_for(f"{TITLE} === 'Ben'")
    say(ada, "psst")
    sees(ada, "psst")
    ben.wait_for("document.querySelector('#chat-private .person-count').textContent === '1'")
    assert ben.evaluate("document.title").startswith("(1) ")
    ben.press("Tab")  # it can be reached by the keyboard alone
    ben.evaluate("document.querySelector('#chat-private a').focus(), 0")
    ben.press("Enter")
    sees(ben, "psst")
    say(cem, "in the room")
    say(ben, "yes?")
    sees(ada, "yes?")
    assert ada.evaluate(BUBBLES) == ["psst", "yes?"]
    ada.click("#chat-back")
    sees(ada, "in the room")
    assert cem.evaluate(BUBBLES) == ["in the room"]
    enter(ben, server)
    ben.click("#chat-private a")
    sees(ben, "yes?")
    assert ada.errors == ben.errors == cem.errors == []


def test_the_others_see_who_is_typing(browser: Browser, server: ServedHere) -> None:
    ada, ben = enter(browser.new_page(isolated=True), server), enter(browser.new_page(isolated=True), server)
    rename(ada, "Ada")
    ada.type("#chat-text", "he")
    ben.wait_for(f"{TYPING} === 'Ada is typing\u2026'")
    ada.press("Enter")
    sees(ben, "he")
    ben.wait_for(f"{TYPING} === ''")
    assert ada.evaluate(TYPING) == ""


def test_only_addresses_of_pages_become_links(browser: Browser, server: ServedHere) -> None:
    page = enter(browser.new_page(), server)
    text = "See http://a.example/(b), HTTPS://c.example/?d=<e> javascript:alert(1) xhttp://f.example http://."
    say(page, text)
    sees(page, text)
    links = "Array.from(document.querySelectorAll('.bubble a'))"
    assert page.evaluate(f"{links}.map(link => link.textContent)") == [
        "http://a.example/(b)",
        "HTTPS://c.example/?d=",
    ]
    assert page.evaluate(f"{links}.every(link => /^https?:/.test(link.href) && /noopener/.test(link.rel))")


def test_who_comes_and_goes_is_one_line(browser: Browser, server: ServedHere) -> None:
    page = enter(browser.new_page(isolated=True), server)
    for _ in range(4):
        enter(browser.new_page(isolated=True), server)
    page.wait_for(f"/^[^,]+, [^,]+ and 2 others joined$/.test({NOTICES}.slice(-1)[0])")


def test_a_room_is_there_after_a_reload_of_its_only_page(browser: Browser, server: ServedHere) -> None:
    page = browser.new_page()
    page.open(server.address + "chat/#/Tea")
    page.wait_for(f"{TITLE} === 'Tea' && {ENTERED}")
    say(page, "keep this")
    sees(page, "keep this")
    page.open(server.address + "echo/")
    page.open(server.address + "chat/")
    page.wait_for(f"{CONNECTED} && document.getElementById('chat-rooms').textContent.includes('Tea')")
    page.click("#chat-rooms li:nth-child(2) a")
    sees(page, "keep this")


def test_a_cut_connection_loses_nothing(browser: Browser, server: ServedHere) -> None:
    one, other = enter(browser.new_page(), server), enter(browser.new_page(isolated=True), server)
    one.click(".thywill-cut")
    one.wait_for("document.getElementById('chat-status-text').innerText.startsWith('Offline')")
    say(one, "out of the tunnel")
    say(other, "into the tunnel")
    sees(other, "out of the tunnel")
    sees(one, "into the tunnel")
    one.wait_for("document.querySelector('.thywill-cut-told').textContent.includes('lost 0')")
    sees(one, "out of the tunnel")
    assert sorted(one.evaluate(BUBBLES)) == ["into the tunnel", "out of the tunnel"]


def test_echo_comes_back(browser: Browser, server: ServedHere) -> None:
    page = browser.open(server.address + "echo/")
    page.wait_for("document.getElementById('echo-state').innerText.toLowerCase().includes('connected')")
    page.type("#echo-text", "hello")
    page.press("Enter")
    page.wait_for("document.getElementById('echo-list').innerText.includes('hello')")
    assert page.errors == []


def test_the_index_leads_to_the_applications(chromium: Browser, server: ServedHere) -> None:
    page = chromium.open(server.address)
    page.wait_for(
        "document.getElementById('thywill-figures').className === 'figures'"
    )  # nothing moves any more
    page.click("a[href='chat/']")
    page.wait_for(f"location.pathname === '/chat/' && {CONNECTED}")
