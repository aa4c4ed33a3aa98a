"""The contract of the browser drivers, over both browsers and a small site on loopback."""

from __future__ import annotations

import http.server
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import Browser, Chromium, Firefox, ScriptError
from tests.gate import environment
from tests.support.command import wait_for

pytestmark = pytest.mark.browser

PAGE = b"""<!DOCTYPE html><title>site</title>
<style>body { background: white } @media (prefers-color-scheme: dark) { body { background: black } }</style>
<input id="field"><button id="button" onclick="this.textContent = 'clicked'">click</button>
<script>
  var seen = [typeof WebSocket, typeof fetch], lastKey;
  document.getElementById('field').onkeydown = function (event) { lastKey = [event.key, event.shiftKey]; };
  window.addEventListener('pagehide', function () {
    for (var end = Date.now() + 50; Date.now() < end;) { document.title += '.'; }
    navigator.sendBeacon('/left', '');
  });
</script>"""


class Site(http.server.ThreadingHTTPServer):
    """One page, and the paths that browsers have posted to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.posted: list[str] = []
        self.has_post = threading.Event()

    def handle_error(self, request: object, client_address: object) -> None:
        """A browser that closes does not stay to read the answer."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:
        self.answer(PAGE)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.posted.append(self.path)
        self.server.has_post.set()
        self.answer(b"")

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base's name)
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_evaluate_returns_json_values(browser: Browser, site: Site) -> None:
    page = browser.open(site.url)
    assert page.evaluate("document.title") == "site"
    assert page.evaluate("{a: [1, null, true, 'x', 1.5], b: {}}") == {"a": [1, None, True, "x", 1.5], "b": {}}
    assert page.evaluate("undefined") is None
    assert page.evaluate("new Promise(done => setTimeout(done, 1, 'later'))") == "later"


def test_evaluate_raises_what_the_script_throws(browser: Browser, site: Site) -> None:
    with pytest.raises(ScriptError, match="no such thing"):
        browser.open(site.url).evaluate("(() => { throw new Error('no such thing'); })()")


def test_wait_for_polls_until_true(browser: Browser, site: Site) -> None:
    page = browser.open(site.url)
    page.evaluate("setTimeout(() => { window.ready = 'now'; }, 100)")
    assert page.wait_for("window.ready") == "now"


def test_wait_for_tells_what_it_saw(browser: Browser, site: Site) -> None:
    with pytest.raises(AssertionError, match=r"window\.never is None; page .*'site'"):
        browser.open(site.url).wait_for("window.never", timeout=0.1)


def test_wait_for_outlives_a_navigation(browser: Browser, site: Site) -> None:
    page = browser.open(site.url)
    page.evaluate("void setTimeout(() => { location.href = '/second'; }, 1)")
    assert page.wait_for("location.pathname === '/second'")


def test_an_init_script_runs_before_the_scripts_of_the_page(browser: Browser, site: Site) -> None:
    page = browser.new_page()
    page.add_init_script("delete window.WebSocket; delete window.fetch;")
    page.open(site.url)
    assert page.evaluate("seen") == ["undefined", "undefined"]
    assert browser.open(site.url).evaluate("seen") == ["function", "function"]


def test_isolated_pages_have_cookies_of_their_own(browser: Browser, site: Site) -> None:
    first, second = browser.open(site.url, isolated=True), browser.open(site.url, isolated=True)
    first.evaluate("document.cookie = 'name=first'")
    second.evaluate("document.cookie = 'name=second'")
    assert first.evaluate("document.cookie") == "name=first"
    assert second.evaluate("document.cookie") == "name=second"


def test_other_pages_share_their_cookies_until_a_reset(browser: Browser, site: Site) -> None:
    browser.open(site.url).evaluate("document.cookie = 'name=shared'")
    assert browser.open(site.url).evaluate("document.cookie") == "name=shared"
    browser.reset()
    assert browser.open(site.url).evaluate("document.cookie") == ""


def test_every_page_is_visible(browser: Browser, site: Site) -> None:
    pages = [browser.open(site.url) for _ in range(2)]
    assert [page.evaluate("document.visibilityState") for page in pages] == ["visible", "visible"]


def test_keys_and_clicks_are_real_input(browser: Browser, site: Site) -> None:
    first, second = browser.open(site.url), browser.open(site.url)
    for page in (first, second):
        page.type("#field", "Grüße, 世界 🙂")
        assert page.evaluate("document.getElementById('field').value") == "Grüße, 世界 🙂"
        page.press("Enter")
        assert page.evaluate("lastKey") == ["Enter", False]
        page.press("Tab")
        assert page.evaluate("document.activeElement.id") == "button"
        page.press("Tab", shift=True)
        assert page.evaluate("document.activeElement.id") == "field"
        page.click("#button")
        assert page.evaluate("document.getElementById('button').textContent") == "clicked"


def test_a_click_on_nothing_says_so(browser: Browser, site: Site) -> None:
    with pytest.raises(AssertionError, match="nothing to click on: #missing"):
        browser.open(site.url).click("#missing")


def test_a_screenshot_is_a_png_of_the_viewport(browser: Browser, site: Site, tmp_path: Path) -> None:
    page = browser.open(site.url)
    page.set_viewport(390, 700)
    page.screenshot(tmp_path / "page.png")
    data = (tmp_path / "page.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    assert struct.unpack(">II", data[16:24]) == (390, 700)


def test_dark_colours_are_emulated_for_one_page(browser: Browser, site: Site) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    page, other = browser.open(site.url), browser.open(site.url)
    page.emulate_dark()
    assert page.evaluate(background) == "rgb(0, 0, 0)"
    assert other.evaluate(background) == "rgb(255, 255, 255)"
    page.emulate_dark(dark=False)
    assert page.evaluate(background) == "rgb(255, 255, 255)"


def test_errors_of_the_page_are_collected(browser: Browser, site: Site) -> None:
    page, other = browser.open(site.url), browser.open(site.url)
    page.evaluate("void console.error('said', 'so')")
    page.evaluate("void setTimeout(() => { window.thrown = true; nothingOfThatName(); }, 1)")
    page.wait_for("window.thrown")
    wait_for(lambda: len(page.errors) >= 2)  # they may come a little later
    said, thrown = page.errors
    assert said == "said so"
    assert "nothingOfThatName is not defined" in thrown
    assert other.errors == []


def test_a_closing_page_can_say_that_it_leaves(browser: Browser, site: Site) -> None:
    browser.open(site.url).close()
    assert site.has_post.wait(60)
    assert site.posted == ["/left"]


@pytest.mark.parametrize("kind", [Chromium, Firefox])
def test_nothing_is_left_behind(kind: type[Browser], site: Site) -> None:
    with kind() as browser:
        browser.open(site.url)
        folder = browser._process.folder
        assert folder.exists()
    assert not browser.running
    assert not folder.exists()


def test_a_missing_program_skips_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    class Nowhere(Chromium):
        program = "no-such-browser"

    monkeypatch.setattr(environment, "in_ci", lambda: False)
    with pytest.raises(pytest.skip.Exception, match="no-such-browser is not installed"):
        Nowhere()
    monkeypatch.setattr(environment, "in_ci", lambda: True)
    with pytest.raises(pytest.fail.Exception, match="install the package chromium"):
        Nowhere()
