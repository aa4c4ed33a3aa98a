"""Pages of another origin: they restrict themselves, change our requests, and log their users in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.drivers import Browser, Page
from tests.support.foreign_site import ForeignSite, foreign_site_served
from tests.support.served import Served
from thywill.tickets import make_ticket

pytestmark = pytest.mark.browser

ISOLATED = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Embedder-Policy": "require-corp",
}
# As scripts do that follow a request through all servers (W3C Trace Context).
TRACED = """
const send = XMLHttpRequest.prototype.send;
XMLHttpRequest.prototype.send = function (body) {
  this.setRequestHeader('traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01');
  this.setRequestHeader('X-Request-Start', '1');
  window.traced = true;
  send.call(this, body);
};
"""

SECRET = "0123456789abcdef0123456789abcdef"
LOGGED_IN = """(window.asked = 0, thywill.connect({
  server: '%s/', application: 'chat', ticket: '%s'
}, function (client) {
  client.on('ticket', function () {
    asked += 1;
    client.renew('%s', function (error) { window.renewed = error || 'renewed'; });
  });
  window.logged = client;
}), 0)"""
SOON = """(clock => {
  const set = clock.set;
  clock.set = (action, time) => set.call(clock, action, /'ticket'/.test(action) ? time / 20 : time);
})(thywill.clock)"""
"""Lets the page renew its first ticket soon, and not shortly before a busy machine is too late for it."""


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForeignSite]:
    folder = tmp_path_factory.mktemp("server")
    with foreign_site_served() as site:
        settings = folder / "thywill.toml"
        settings.write_text(f'[client_interface]\norigins = ["{site.origin}"]\nticket_secret = "{SECRET}"\n')
        with Served(folder, "--config", str(settings)) as served:
            site.thywill = served.address.rstrip("/")
            yield site


def visit(browser: Browser, elsewhere: ForeignSite, headers: dict[str, str], script: str = "") -> Page:
    elsewhere.headers = headers
    page = browser.new_page(isolated=True)
    page.add_init_script(script)
    page.open(f"{elsewhere.origin}/")
    return page


def talks_by(page: Page, transport: str) -> None:
    page.wait_for("!!window.chat || !!failure")
    assert page.evaluate("failure") is None
    page.wait_for(f"/^({transport})$/.test(chat.transport)")
    page.evaluate("chat.call('say', ['Lobby', 'hello']), 0")
    page.wait_for("said.includes('hello')")


@pytest.mark.parametrize(
    ("order", "transport"),
    [
        ([], "xhr-streaming|eventsource"),
        (["iframe"], "iframe"),
        (["jsonp"], "jsonp"),
    ],
    ids=["streams", "frame", "jsonp"],
)
def test_a_page_that_isolates_itself_works(
    browser: Browser, elsewhere: ForeignSite, order: list[str], transport: str
) -> None:
    page = visit(browser, elsewhere, ISOLATED, f"window.thywill = {{transports: {order or 'undefined'}}};")
    assert page.evaluate("crossOriginIsolated")
    talks_by(page, transport)


def test_headers_that_other_scripts_add_are_allowed(browser: Browser, elsewhere: ForeignSite) -> None:
    page = visit(browser, elsewhere, {}, TRACED)
    talks_by(page, "xhr-streaming|eventsource")
    assert page.evaluate("traced")


def test_a_page_that_forbids_the_requests_is_told_so(browser: Browser, elsewhere: ForeignSite) -> None:
    page = visit(browser, elsewhere, {"Content-Security-Policy": "connect-src 'self'"})
    page.wait_for("!!failure")
    reason = f"The connect-src of this page forbids {elsewhere.thywill}/thywill/"
    assert page.evaluate("failure") == {"step": "connect", "message": reason}


def test_a_page_logs_its_user_in_and_renews_the_ticket(chromium: Browser, elsewhere: ForeignSite) -> None:
    page = visit(chromium, elsewhere, {})
    page.evaluate(f"({SOON}, 0)")
    short, long = (make_ticket(SECRET, "7", name="Ada", seconds=seconds) for seconds in (60, 36_000))
    page.evaluate(LOGGED_IN % (elsewhere.thywill, short, long))
    page.wait_for("!!window.logged")
    assert page.evaluate("logged.user") == {"id": "7", "name": "Ada"}
    page.wait_for("window.renewed")
    assert page.evaluate("[asked, renewed, logged.state]") == [1, "renewed", "connected"]
