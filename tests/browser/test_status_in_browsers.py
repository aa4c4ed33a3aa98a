"""The status page, as operators use it, in real browsers."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import Browser, Page
from tests.support.threaded_server import ThreadedServer

pytestmark = pytest.mark.browser

KEY = "a-key-of-the-tests"
PUBLISHING = "a-publishers-key-of-the-tests"
LIVE = "(document.getElementById('st-state') || {}).innerText === 'Live'"
LINES = "Array.from(document.querySelectorAll('path.line'))"
DRAWN = f"{LINES}.filter(line => line.getAttribute('d').length > 9).length > 3"
LISTED = "Array.from(document.querySelectorAll('#st-clients tr')).map(row => row.innerText)"
CHAT = "(document.getElementById('chat-status-text') || {}).innerText === 'Connected'"
SIDEWAYS = "document.documentElement.scrollWidth > window.innerWidth"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ThreadedServer]:
    with ThreadedServer(tmp_path, {"monitoring.key": KEY}) as served:
        yield served


def enter(page: Page, server: ThreadedServer) -> Page:
    page.open(server.address + "thywill/status")
    page.type("#key", KEY)
    page.press("Enter")
    page.wait_for(LIVE)
    return page


def chat(browser: Browser, server: ThreadedServer) -> Page:
    page = browser.new_page(isolated=True)
    page.open(server.address + "chat/")
    page.wait_for(CHAT)
    return page


def look_at_the_first(page: Page) -> None:
    # A click at a place would miss the link if something above it grew at that moment.
    page.evaluate("(() => { document.querySelector('#st-clients a').click(); return true; })()")


def troubles(page: Page) -> list[str]:
    # The form is answered 401 on purpose.
    return [error for error in page.errors if "401" not in error]


def test_an_operator_sees_searches_and_disconnects(
    browser: Browser, server: ThreadedServer, tmp_path: Path
) -> None:
    people = [chat(browser, server) for _ in range(2)]
    page = browser.new_page(isolated=True)
    page.open(server.address + "thywill/status")
    page.type("#key", "not-the-right-key")
    page.press("Enter")
    page.wait_for("!!document.querySelector('.problem')")
    enter(page, server)
    assert KEY not in page.evaluate("location.href + document.cookie")
    page.wait_for(DRAWN)
    page.wait_for("document.querySelector('.figure').innerText === '2'")
    page.wait_for(f"{LISTED}.length === 2 && {LISTED}.every(row => row.includes('chat'))")
    page.type("#st-text", "nobody at all")
    page.press("Enter")
    page.wait_for("document.getElementById('st-found').innerText === '0 of 2 fit.'")
    page.evaluate("(() => { document.getElementById('st-text').value = ''; return true; })()")
    page.click("#st-search button")
    page.wait_for("document.querySelectorAll('#st-clients a').length === 2")
    look_at_the_first(page)
    page.wait_for("document.querySelectorAll('#st-one .moves tr').length > 0")
    page.wait_for("document.getElementById('st-one').innerText.includes('Not acknowledged')")
    disconnect(page)
    # The newest is the first in the list.
    people[1].wait_for("document.getElementById('chat-gone').offsetHeight > 0")
    page.wait_for("document.querySelectorAll('#st-clients a').length === 1")
    assert people[0].evaluate(CHAT)
    assert troubles(page) == []
    page.screenshot(tmp_path / "status.png")


def disconnect(page: Page) -> None:
    page.evaluate("(() => { window.confirm = () => false; return true; })()")
    page.click("#st-end button")
    assert page.evaluate("document.getElementById('st-told').innerText") == ""
    page.evaluate(
        "(() => { window.confirm = text => { window.asked = text; return true; }; return true; })()"
    )
    page.click("#st-end button")
    page.wait_for("document.getElementById('st-told').innerText === 'Disconnected.'")
    assert "Its page shows: disconnected by the operator" in page.evaluate("window.asked")
    page.wait_for("document.getElementById('st-one').innerText.includes('gone')")


def test_the_front_page_leads_an_operator_there(chromium: Browser, server: ThreadedServer) -> None:
    links = "Array.from(document.querySelectorAll('#thywill-links a')).map(link => link.innerText).join()"
    page = chromium.new_page()
    page.open(server.address)
    page.wait_for(f"{links} === 'How to write an application'")
    enter(page, server)
    page.open(server.address)
    page.wait_for(f"{links} === 'How to write an application,The status of this server'")
    page.click("#thywill-links a + a")
    page.wait_for(LIVE)


def test_it_publishes_with_a_key(chromium: Browser, tmp_path: Path) -> None:
    with ThreadedServer(tmp_path, {"publishing.keys": {"shop": PUBLISHING}}) as server:
        page = chromium.new_page()
        page.open(server.address + "thywill/status")
        page.wait_for(LIVE)
        told = "document.getElementById('st-published').innerText"
        page.wait_for("document.getElementById('st-application').options.length > 1")
        page.type("#st-channel", "lobby")
        page.type("#st-key", "not-the-right-key-at-all")
        page.click("#st-publish button")
        page.wait_for(f"{told}.startsWith('Not published: ')")
        page.evaluate(
            f"(() => {{ document.getElementById('st-key').value = '{PUBLISHING}'; return true; }})()"
        )
        page.click("#st-publish button")
        page.wait_for(f"{told}.startsWith('Published, with the id ')")
        page.wait_for("document.getElementById('st-channels').innerText.includes('lobby')")
        page.evaluate("(() => { document.getElementById('st-data').value = 'no JSON'; return true; })()")
        page.click("#st-publish button")
        page.wait_for(f"{told}.startsWith('The data is not JSON')")


def test_charts_have_a_time_axis_and_a_legend(chromium: Browser, server: ThreadedServer) -> None:
    page = enter(chromium.new_page(), server)
    page.wait_for("document.querySelectorAll('.chart .axis').length === 6")
    texts = "Array.from(document.querySelectorAll('%s span')).map(node => node.textContent)"
    assert page.evaluate(texts % ".axis")[:3] == ["2 min ago", "1 min", "now"]
    assert page.evaluate(texts % ".legend") == ["sent", "received", "mean", "worst"]


def test_a_link_keeps_the_focus_when_the_list_is_new(browser: Browser, server: ThreadedServer) -> None:
    chat(browser, server)
    page = enter(browser.new_page(isolated=True), server)
    page.wait_for("document.querySelectorAll('#st-clients a').length === 1")
    page.evaluate(
        "(() => { const link = document.querySelector('#st-clients a'); link.focus();"
        " link.closest('tr').id = 'old'; return true; })()"
    )
    page.wait_for("document.getElementById('old') === null")
    assert page.evaluate("document.activeElement === document.querySelector('#st-clients a')")


def test_after_signing_out_the_key_is_asked_for(browser: Browser, server: ThreadedServer) -> None:
    page = enter(browser.new_page(), server)
    page.click("#st-leave button")
    page.wait_for("!!document.getElementById('key')")
    page.open(server.address + "thywill/status/")
    assert page.evaluate("document.getElementById('key') !== null")


def test_it_fits_a_phone(browser: Browser, server: ThreadedServer) -> None:
    page = browser.new_page()
    page.set_viewport(360, 740)
    enter(page, server)
    chat(browser, server)
    page.wait_for("document.querySelectorAll('#st-clients a').length === 1")
    assert not page.evaluate(SIDEWAYS)
    look_at_the_first(page)
    page.wait_for("document.getElementById('st-one').innerText.includes('Not acknowledged')")
    assert not page.evaluate(SIDEWAYS)


def test_what_a_browser_says_of_itself_is_text(chromium: Browser, server: ThreadedServer) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    agent = {"User-Agent": "<img src=x onerror='window.hit = 1'>"}
    connection.request("POST", "/thywill/connect", json.dumps({"application": "echo"}), agent)
    connection.getresponse().read()
    connection.close()
    page = enter(chromium.new_page(), server)
    page.wait_for("document.querySelectorAll('#st-clients a').length === 1")
    look_at_the_first(page)
    page.wait_for("document.getElementById('st-one').innerText.includes('onerror')")
    assert page.evaluate("window.hit === undefined && document.querySelector('#st-one img') === null")


def test_a_browser_without_svg_shows_the_figures(chromium: Browser, server: ThreadedServer) -> None:
    page = chromium.new_page()
    page.add_init_script("delete window.SVGElement;")
    enter(page, server)
    page.wait_for("document.querySelectorAll('.figure')[4].innerText.includes('MB')")
    assert page.evaluate("document.querySelector('svg') === null")
    assert troubles(page) == []
