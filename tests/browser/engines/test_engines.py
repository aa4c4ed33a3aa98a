"""Every engine keeps the contract, and is what it is said to be."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import DriverError, ScriptError
from tests.browser.engines.base import TRANSPORTS, Engine
from tests.browser.engines.site import LITTLE, PATIENCE, Site

# The first use of an engine may install it.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FACTS = {
    "json": "!!window.JSON",
    "index_of": "!!Array.prototype.indexOf",
    "bind": "!!Function.prototype.bind",
    "request": "!!window.XMLHttpRequest",
    "active_x": "!!window.ActiveXObject",
    "cors": "!!window.XMLHttpRequest && 'withCredentials' in new XMLHttpRequest()",
    "listener": "!!window.addEventListener",
    "messages": "!!window.postMessage",
    "fetch": "!!window.fetch",
}
ALL = set(FACTS)
TODAY = ALL - {"active_x"}
WEBKIT = TODAY - {"fetch"}
HAS = {
    "chromium": TODAY,
    "firefox": TODAY,
    "qtwebkit-602": WEBKIT,
    "phantomjs-2.1.1": WEBKIT,
    "phantomjs-1.9.8": WEBKIT - {"bind"},
    "htmlunit-ie6": {"active_x"},
    "htmlunit-ie7": {"active_x", "request"},
    "htmlunit-ie8": {"active_x", "request", "json", "messages"},
    "htmlunit-ie9": {"active_x", "request", "json", "messages", "index_of", "listener"},
    "htmlunit-ie11": ALL - {"fetch"},
    "htmlunit-ff24": WEBKIT,
    "chromium-49": TODAY,
    "chromium-69": TODAY,
    "webkitgtk": TODAY,
    "netsurf": {"json", "index_of", "bind", "listener", "messages"},
}


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_evaluate_returns_json_values(engine: Engine, site: Site) -> None:
    engine.open(site.url)
    assert engine.evaluate("document.getElementById('text').firstChild.nodeValue") == "here"
    value = {"a": [1, None, True, '\u00e4\u2028\U0001f600"\\\n', 1.5], "b": {}}
    assert engine.evaluate(r"{a: [1, null, true, 'ä\u2028\ud83d\ude00\"\\\n', 1.5], b: {}}") == value
    assert engine.evaluate("undefined") is None


def test_an_exception_in_a_script_is_reported(engine: Engine, site: Site) -> None:
    engine.open(site.url)
    with pytest.raises(ScriptError, match="no such thing"):
        engine.evaluate("(function () { throw new Error('no such thing'); }())")
    with pytest.raises((ScriptError, DriverError)):
        engine.evaluate("this is no expression")
    assert engine.evaluate("1") == 1


def test_wait_for_asks_until_it_is_true(engine: Engine, site: Site) -> None:
    engine.open(site.url)
    engine.evaluate("void setTimeout(function () { window.ready = 'now'; }, 100)")
    assert engine.wait_for("window.ready") == "now"
    with pytest.raises(AssertionError, match=r"window\.never is None; errors \[\]"):
        engine.wait_for("window.never", timeout=0.1)


def test_a_script_runs_before_those_of_the_page(engine: Engine, site: Site) -> None:
    engine.open(site.url, before="window.saw = [typeof window.makeRequest]; window.begin = 'there';")
    assert engine.evaluate("[window.saw, typeof begin]") == [["undefined"], "object"]
    engine.open(site.url)
    assert engine.evaluate("window.saw") is None


def test_errors_of_the_page_are_collected(engine: Engine, site: Site) -> None:
    engine.open(site.url)
    engine.evaluate("void setTimeout(function () { window.thrown = true; nothingOfThatName(); }, 1)")
    engine.wait_for("window.thrown")
    while not engine.errors:  # they may come a little later
        engine.evaluate("0")
    (error,) = engine.errors
    assert "nothingOfThatName" in error
    engine.open(site.url)
    assert engine.errors == []


def test_a_page_has_no_cookies_of_another(engine: Engine, site: Site) -> None:
    engine.open(site.url)
    engine.evaluate("void (document.cookie = 'name=value')")
    assert engine.evaluate("document.cookie") == "name=value"
    engine.open(site.url)
    assert engine.evaluate("document.cookie") == ""


def test_a_page_can_say_that_it_leaves(engine: Engine, site: Site) -> None:
    if not engine.tells_leaving:
        pytest.skip("a page can't say it here")
    engine.open(site.url)
    engine.leave()
    assert site.left.wait(120)


def test_a_screenshot_is_a_picture(engine: Engine, site: Site, tmp_path: Path) -> None:
    if not engine.paints:
        pytest.skip("this engine paints nothing")
    engine.open(site.url)
    engine.screenshot(tmp_path / "page.png")
    assert (tmp_path / "page.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_an_address_without_a_server_is_an_error(engine: Engine) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(DriverError):
        engine.open(f"http://127.0.0.1:{port}/")


def test_the_engine_has_what_its_browsers_had(engine: Engine, site: Site) -> None:
    engine.open(site.url)
    assert {fact for fact in FACTS if engine.evaluate(FACTS[fact])} == HAS[engine.name]


def test_the_engine_can_do_the_transports_that_it_is_said_to(engine: Engine, site: Site) -> None:
    site.patience.update((transport, LITTLE) for transport in TRANSPORTS if not engine.can(transport))
    engine.open(site.url)
    begun = {transport for transport in TRANSPORTS if begins(engine, transport)}
    works = {t for t in begun if site.finished[t].wait(2 * PATIENCE) and site.works[t]}
    assert works == {transport for transport in TRANSPORTS if engine.can(transport)}


def begins(engine: Engine, transport: str) -> bool:
    try:
        engine.evaluate(f"void begin['{transport}']()")
    except ScriptError:
        return False
    return True
