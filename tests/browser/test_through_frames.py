"""The chat on a page of another origin in a browser without CORS: by a hidden frame of the server's."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import Browser, Page
from tests.support.foreign_site import ForeignSite, foreign_site_served
from tests.support.proxy import Proxy
from tests.support.threaded_server import ThreadedServer

pytestmark = pytest.mark.browser

# Old engines have no CORS in any page, but ours needs none in the frame.
WITHOUT_CORS = """
if (window === window.top) {
  delete XMLHttpRequest.prototype.withCredentials;
  delete window.fetch; delete window.EventSource; delete window.WebSocket;
}
if (window === window.top && 'withCredentials' in new XMLHttpRequest()) { throw new Error('still there'); }
"""
# IE8 and IE9, as far as a page can see.
WITH_XDR = """
if (window === window.top) {
  const Real = window.XMLHttpRequest;
  window.XDomainRequest = function () {
    const request = new Real();
    this.open = (method, url) => request.open(method, url);
    this.send = (body) => request.send(body);
    this.abort = () => request.abort();
    Object.defineProperty(this, 'responseText', {get: () => request.responseText});
    request.onprogress = () => { if (request.readyState === 3) { this.onprogress(); } };
    request.onload = () => { if (request.status < 300) { this.onload(); } else { this.onerror(); } };
    request.onerror = () => this.onerror();
  };
}
"""
NO_STREAMS = """
if (window !== window.top) {
  delete XMLHttpRequest.prototype.withCredentials; delete window.EventSource;
}
"""
CONSOLE = "window.warned = []; window.console.warn = function (text) { warned.push(text); };"
FRAMES = "document.getElementsByTagName('iframe').length"
ASKED_BY_SCRIPT = "performance.getEntriesByType('resource').filter(e => /callback=/.test(e.name)).length"


@pytest.fixture
def elsewhere() -> Iterator[ForeignSite]:
    with foreign_site_served() as site:
        yield site


Allow = Callable[..., Proxy]


@pytest.fixture
def serve(tmp_path: Path, elsewhere: ForeignSite) -> Iterator[Allow]:
    """A function that starts the server, which allows other origins, behind a proxy that can cut."""
    closing: list[Callable[[], None]] = []

    def start(*origins: str) -> Proxy:
        served = ThreadedServer(tmp_path, {"client_interface.origins": list(origins)})
        closing.append(served.stop)
        proxy = Proxy(served.port)
        proxy.__enter__()
        closing.append(lambda: proxy.__exit__(None, None, None))
        elsewhere.thywill = proxy.address.rstrip("/")
        return proxy

    yield start
    for close in reversed(closing):
        close()


def refusal(site: ForeignSite) -> dict[str, str]:
    """Return the error of a page of ``site``, whose origin differs from the server's by its port only."""
    host = site.thywill.partition("://")[2]
    message = (
        f"the page is of {site.origin}, but Host is {host}: a proxy on the way has to pass Host on"
        " with its port (nginx: proxy_set_header Host $http_host). Or see origins in [client_interface]"
    )
    return {"step": "connect", "message": message}


def visit(browser: Browser, elsewhere: ForeignSite, *scripts: str, query: str = "") -> Page:
    page = browser.new_page(isolated=True)
    for script in (WITHOUT_CORS, *scripts):
        page.add_init_script(script)
    page.open(f"{elsewhere.origin}/{query}")
    return page


def say(page: Page, text: str) -> None:
    page.evaluate(f"chat.call('say', {json.dumps(['Lobby', text])}), 0")


def talk(one: Page, other: Page, word: str, disturb: Callable[[], None] | None = None) -> None:
    """Say texts on both pages; both see all of them once, those of each page in order."""
    count = 9  # three times this is below what the chat lets one page say in 10 s
    for index in range(count):
        if disturb and index % 4 == 2:
            disturb()
        say(one, f"{word} \u00e4\u2028 {index} one")
        say(other, f"{word} {index} other")
    for page in (one, other):
        page.wait_for(f"said.filter(text => text.startsWith({json.dumps(word + ' ')})).length >= {2 * count}")
        said = page.evaluate("said")
        for name in ("one", "other"):
            numbers = [int(t.split()[-2]) for t in said if t.startswith(f"{word} ") and t.endswith(name)]
            assert numbers == list(range(count))


def order(*names: str) -> str:
    return f"window.thywill = {{transports: {json.dumps(names)}}};"


@pytest.mark.parametrize(
    ("scripts", "way"),
    # On a busy machine the first kind of stream may miss the time that it has to show itself.
    [((), "/^(xhr-streaming|eventsource)$/"), ((NO_STREAMS,), "/^iframe$/")],
    ids=["streams", "polls"],
)
def test_the_chat_goes_both_ways(
    browser: Browser, elsewhere: ForeignSite, serve: Allow, scripts: tuple[str, ...], way: str
) -> None:
    proxy = serve(elsewhere.origin)
    one, other = visit(browser, elsewhere, *scripts), visit(browser, elsewhere)
    for page in (one, other):
        page.wait_for("!!window.chat")
        assert page.evaluate(FRAMES) == 1
    one.wait_for(f"{way}.test(chat.transport)")
    talk(one, other, "first")
    talk(one, other, "cut", proxy.cut)
    one.open(f"{elsewhere.origin}/")
    one.wait_for("!!window.chat")
    talk(one, other, "again")
    one.wait_for(f"{way}.test(chat.transport)")
    assert one.evaluate(ASKED_BY_SCRIPT) == 0


@pytest.mark.parametrize("way", ["eventsource", "htmlfile"])
def test_the_frame_uses_what_the_page_asks_for(
    browser: Browser, elsewhere: ForeignSite, serve: Allow, way: str
) -> None:
    proxy = serve(elsewhere.origin)
    one, other = visit(browser, elsewhere, order(way)), visit(browser, elsewhere)
    for page in (one, other):
        page.wait_for("!!window.chat")
    one.wait_for(f"chat.transport === '{way}'")
    talk(one, other, "first")
    talk(one, other, "cut", proxy.cut)


def test_a_page_with_cors_may_ask_for_the_frame(
    browser: Browser, elsewhere: ForeignSite, serve: Allow
) -> None:
    serve(elsewhere.origin)
    page = browser.new_page(isolated=True)
    page.add_init_script(order("iframe"))
    page.open(f"{elsewhere.origin}/")
    page.wait_for("!!window.chat && chat.transport === 'iframe'")
    say(page, "hello")
    page.wait_for("said.includes('hello')")


def test_a_page_with_xdomainrequest_streams_by_it(
    browser: Browser, elsewhere: ForeignSite, serve: Allow
) -> None:
    proxy = serve(elsewhere.origin)
    one, other = visit(browser, elsewhere, WITH_XDR), visit(browser, elsewhere)
    for page in (one, other):
        page.wait_for("!!window.chat")
    one.wait_for("chat.transport === 'xdr-streaming'")
    talk(one, other, "first")
    talk(one, other, "cut", proxy.cut)
    assert one.evaluate(FRAMES) == 0


def test_a_page_of_an_origin_that_is_not_allowed_gets_that_error(
    browser: Browser, elsewhere: ForeignSite, serve: Allow
) -> None:
    serve("https://www.example.org")
    # A frame that is refused while a page loads makes Firefox's driver take the page for refused.
    page = visit(browser, elsewhere, query="?late")
    page.wait_for("!!failure")
    assert page.evaluate("failure") == refusal(elsewhere)
    assert page.evaluate(FRAMES) == 0


@pytest.mark.parametrize("origins", [(), ("https://www.example.org",)], ids=["none", "another"])
def test_with_cors_it_gets_that_error_too(
    browser: Browser, elsewhere: ForeignSite, serve: Allow, origins: tuple[str, ...]
) -> None:
    serve(*origins)
    page = browser.new_page(isolated=True)
    page.add_init_script(CONSOLE)
    page.open(f"{elsewhere.origin}/")
    page.wait_for("!!failure")
    assert page.evaluate("failure") == refusal(elsewhere)
    assert page.evaluate("warned") == [f"thywill: {refusal(elsewhere)['message']}"]
    page.wait_for(f"{ASKED_BY_SCRIPT} === 1")


def test_where_nobody_can_know_it_the_console_says_what_it_may_be(
    browser: Browser, elsewhere: ForeignSite, serve: Allow
) -> None:
    serve("https://www.example.org")
    # The page does not tell the script's server where it stands.
    elsewhere.headers = {"Referrer-Policy": "no-referrer"}
    page = browser.new_page(isolated=True)
    page.add_init_script(CONSOLE)
    page.open(f"{elsewhere.origin}/")
    page.wait_for("warned.length === 1")
    assert page.evaluate("warned[0]") == (
        f"thywill: {elsewhere.thywill}/thywill/ answers, but not to this page: headers are changed on the way"
        f", or the setting origins lacks {elsewhere.origin}."
    )
    assert page.evaluate("failure") is None


def test_where_the_page_forbids_the_frame_it_speaks_by_jsonp(
    browser: Browser, elsewhere: ForeignSite, serve: Allow
) -> None:
    serve(elsewhere.origin)
    elsewhere.headers = {"Content-Security-Policy": "frame-src 'none'"}
    page = visit(browser, elsewhere)
    page.wait_for("!!window.chat")
    say(page, "hello")
    page.wait_for("said.includes('hello')")
    assert page.evaluate("chat.transport") == "jsonp"
