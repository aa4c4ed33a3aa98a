"""People in the chat: names, private messages, who is here and who is typing, in two browsers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.chat import Chat
from tests.browser.drivers import Browser
from tests.support.chat_page import BUBBLES, CONNECTED, ENTERED, enter, rename, say, sees
from tests.support.cut_page import cut, mend
from tests.support.threaded_server import ThreadedServer

pytestmark = pytest.mark.browser

NAME = "document.getElementById('chat-you').textContent"
DISC = "document.getElementById('chat-you-disc')"
TITLE = "document.getElementById('chat-title').textContent"
TYPING = "document.getElementById('chat-typing').textContent"
PEOPLE = "Array.from(document.querySelectorAll('#chat-people .person-name')).map(name => name.textContent)"
FIELD = "document.getElementById('chat-text').value"
COUNT = "document.getElementById('chat-count').textContent"
OPEN_TEA = (
    "document.getElementById('chat-room').value = 'Tea',"
    " document.querySelector('#chat-room-form button').click()"
)
SAY_EARLY = f"{FIELD} = 'early', document.getElementById('chat-send').click()"
NOTICES = "Array.from(document.querySelectorAll('.notice')).map(line => line.textContent)"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThreadedServer]:
    with ThreadedServer(tmp_path) as served:
        yield served


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody counts as gone while a busy machine loads a page again."""
    monkeypatch.setattr(Chat, "leave_after", 120.0)


@pytest.mark.usefixtures("patient")
def test_ada_stays_ada_over_a_reload(chromium: Browser, firefox: Browser, server: ThreadedServer) -> None:
    ada, ben = enter(chromium.new_page(), server), enter(firefox.new_page(), server)
    rename(ada, "Ada")
    say(ada, "hello")
    sees(ben, "hello")
    colour = ada.evaluate(f"{DISC}.className")
    notices = ben.evaluate(NOTICES)
    enter(ada, server)
    sees(ada, "hello")
    assert ada.evaluate(f"[{NAME}, {DISC}.className]") == ["Ada", colour]
    assert ada.evaluate("document.querySelector('.mine .author').textContent") == "You"
    second = enter(chromium.new_page(), server)
    assert second.evaluate(NAME) == "Ada"
    second.close()
    say(ben, "still two")
    sees(ada, "still two")
    assert ben.evaluate(NOTICES) == notices
    assert ben.evaluate("document.querySelectorAll('#chat-people li').length") == 2


def test_a_private_message_is_seen_by_the_two(
    chromium: Browser, firefox: Browser, server: ThreadedServer
) -> None:
    ada, ben, cem = (enter(each.new_page(isolated=True), server) for each in (chromium, firefox, chromium))
    for page, name in ((ada, "Ada"), (ben, "Ben"), (cem, "Cem")):
        rename(page, name)
    ada.wait_for(f"{PEOPLE}.join() === 'Ada,Ben,Cem'")
    ada.click("#chat-people li:nth-child(2) a")
    ada.wait_for(f"{TITLE} === 'Ben'")
    say(ada, "psst")
    sees(ada, "psst")
    ben.wait_for("document.querySelector('#chat-private .person-count').textContent === '1'")
    ben.wait_for("document.title.startsWith('(1) ')")
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
    sees(cem, "in the room")
    assert cem.evaluate(BUBBLES) == ["in the room"]
    enter(ben, server)
    ben.click("#chat-private a")
    sees(ben, "yes?")
    assert ada.errors == ben.errors == cem.errors == []


def test_the_others_see_who_is_typing(chromium: Browser, firefox: Browser, server: ThreadedServer) -> None:
    ada, ben = enter(chromium.new_page(), server), enter(firefox.new_page(), server)
    rename(ada, "Ada")
    ada.type("#chat-text", "he")
    ben.wait_for(f"{TYPING} === 'Ada is typing\u2026'")
    ada.press("Enter")
    sees(ben, "he")
    ben.wait_for(f"{TYPING} === ''")
    assert ada.evaluate(TYPING) == ""


def test_only_addresses_of_pages_become_links(chromium: Browser, server: ThreadedServer) -> None:
    page = enter(chromium.new_page(), server)
    text = "See http://a.example/(b), HTTPS://c.example/?d=<e> javascript:alert(1) xhttp://f.example http://."
    say(page, text)
    sees(page, text)
    links = "Array.from(document.querySelectorAll('.bubble a'))"
    assert page.evaluate(f"{links}.map(link => link.textContent)") == [
        "http://a.example/(b)",
        "HTTPS://c.example/?d=",
    ]
    assert page.evaluate(f"{links}.every(link => /^https?:/.test(link.href) && /noopener/.test(link.rel))")


def test_who_comes_and_goes_is_one_line(chromium: Browser, server: ThreadedServer) -> None:
    page = enter(chromium.new_page(isolated=True), server)
    for _ in range(4):
        enter(chromium.new_page(isolated=True), server)
    page.wait_for(f"/^[^,]+, [^,]+ and 2 others joined$/.test({NOTICES}.slice(-1)[0])")


def test_a_room_is_there_after_a_reload_of_its_only_page(chromium: Browser, server: ThreadedServer) -> None:
    page = chromium.new_page()
    page.open(server.address + "chat/#/Tea")
    page.wait_for(f"{TITLE} === 'Tea' && {ENTERED}")
    say(page, "keep this")
    sees(page, "keep this")
    page.open(server.address + "echo/")
    page.open(server.address + "chat/")
    page.wait_for(f"{CONNECTED} && document.getElementById('chat-rooms').textContent.includes('Tea')")
    page.click("#chat-rooms li:nth-child(2) a")
    sees(page, "keep this")


def test_a_text_sent_while_the_page_enters_a_room_is_said_there(
    chromium: Browser, server: ThreadedServer
) -> None:
    page = enter(chromium.new_page(), server)
    page.evaluate(f"{OPEN_TEA}, {SAY_EARLY}")
    sees(page, "early")
    assert page.evaluate(f"{TITLE} === 'Tea' && {FIELD} === ''")


def test_an_early_text_that_has_changed_stays_in_the_field(chromium: Browser, server: ThreadedServer) -> None:
    page = enter(chromium.new_page(), server)
    page.evaluate(f"{OPEN_TEA}, {SAY_EARLY}, {FIELD} = 'earlier'")
    page.wait_for(f"{TITLE} === 'Tea' && {COUNT} === 'Only you'")
    assert page.evaluate(f"{BUBBLES}.length === 0 && {FIELD} === 'earlier'")


def test_a_cut_connection_loses_nothing(chromium: Browser, firefox: Browser, server: ThreadedServer) -> None:
    one, other = enter(chromium.new_page(), server), enter(firefox.new_page(), server)
    cut(one)
    one.wait_for("document.getElementById('chat-status-text').innerText.startsWith('Offline')")
    say(one, "out of the tunnel")
    say(other, "into the tunnel")
    mend([one])
    sees(other, "out of the tunnel")
    sees(one, "into the tunnel")
    sees(one, "out of the tunnel")
    assert sorted(one.evaluate(BUBBLES)) == ["into the tunnel", "out of the tunnel"]


def test_whatever_people_write_does_no_harm(
    chromium: Browser, firefox: Browser, server: ThreadedServer
) -> None:
    ada, ben = enter(chromium.new_page(), server), enter(firefox.new_page(), server)
    rename(ada, "\u05d0<b>\U0001f600</b>")
    ben.wait_for(f"{PEOPLE}.some(name => name.includes('<b>\U0001f600</b>'))")
    for length in (3_000, 100_000):
        say(ada, "x" * length)
    ada.wait_for("document.querySelectorAll('.failed').length === 2")
    text = "\u202eturned around \u05e9\u05dc\u05d5\u05dd <i>\U0001f469\u200d\U0001f680</i> &amp;"
    say(ada, text)
    for page in (ada, ben):
        page.wait_for(f"{BUBBLES}.slice(-1)[0].includes('<i>\U0001f469\u200d\U0001f680</i> &amp;')")
        assert page.evaluate("document.querySelector('.bubble i, #chat-people b') === null")
    assert ben.evaluate(f"{BUBBLES}.length") == 1


def test_a_page_that_has_lost_messages_asks_for_them_again(
    chromium: Browser, firefox: Browser, server: ThreadedServer
) -> None:
    ada, ben = enter(chromium.new_page(), server), enter(firefox.new_page(), server)
    rename(ada, "Ada")
    for text in ("one", "two"):
        say(ben, text)
        sees(ada, text)
    ben.wait_for(f"{PEOPLE}.includes('Ada')")
    ben.evaluate(
        "Array.from(document.querySelectorAll('#chat-people a')).find(a => /Ada/.test(a.textContent)).click()"
    )
    say(ben, "psst")
    ada.wait_for("document.querySelector('#chat-private .person-count').textContent === '1'")
    ada.evaluate(
        "(thywill.internal.page.dispatchers[0].owner.changeState('lost', {count: 3}),"
        "thywill.internal.page.dispatchers[0].owner.changeState('connected'), 0)"
    )
    ada.wait_for(f"{NOTICES}.some(line => line.startsWith('Events lost on the way: 3.'))")
    assert ada.evaluate(BUBBLES) == ["one", "two"]
    assert ada.evaluate("document.querySelector('#chat-private .person-count').textContent") == "1"
    ada.click("#chat-private a")
    sees(ada, "psst")
    assert ada.evaluate(BUBBLES) == ["psst"]
    assert ada.errors == []
