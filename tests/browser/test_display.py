"""The display, as people look at it: what comes, what comes late, and what somebody publishes."""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from apps.display import Display
from apps.display.figures import CHARTS
from tests.browser.drivers import Browser
from tests.gate.environment import ROOT
from tests.support.display_page import KEY, NAMES, OFFLINE, ONLINE, VALUE, look, publish
from tests.support.served import Serve, serving
from thywill.publisher import Publisher

pytestmark = pytest.mark.browser

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "\u202e reversed \u05d0\u05d1 \U0001f469\u200d\U0001f680",
    "x" * 50_000,
]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    config = tmp_path / "settings.toml"
    config.write_text(f'[publishing.keys]\nany = "{KEY}"\n')

    with serving(tmp_path) as start:
        yield lambda *options, **fields: start("--config", str(config), *options, **fields)


def test_a_number_that_is_published_is_a_chart_for_all(
    chromium: Browser, firefox: Browser, serve: Serve
) -> None:
    server = serve()
    early = look(chromium, server)
    publish(server, {"name": "Office", "value": 21.5, "unit": "°C"}, {"name": "Office", "value": 23})
    early.wait_for(f"{NAMES}.includes('Office') && {VALUE % json.dumps('Office')} === '23'")
    late = look(firefox, server)
    late.wait_for(f"{NAMES}.includes('Office') && {VALUE % json.dumps('Office')} === '23'")
    for page in (early, late):
        assert page.errors == []


def test_a_tap_shows_for_everybody(chromium: Browser, firefox: Browser, serve: Serve) -> None:
    server = serve()
    one, other = look(chromium, server), look(firefox, server)
    one.click("#display-tap")
    for page in (one, other):
        page.wait_for(
            "Array.from(document.querySelectorAll('.chart')).some(c =>"
            " c.querySelector('.chart-name').textContent === 'Taps'"
            " && c.querySelector('.chart-extent').textContent.indexOf('highest 0') < 0)"
        )


def test_what_cannot_be_shown_does_no_harm(chromium: Browser, serve: Serve) -> None:
    server = serve()
    page = look(chromium, server)
    values: list[Any] = ["1", None, [1], {"a": 1}, True, 1e300, -1e300, 5e-324]
    publish(server, *[{"name": f"bad {n}", "value": value} for n, value in enumerate(values)])
    publish(server, {"name": 7, "value": 1}, {"value": 1}, {"name": "", "value": 1})
    publish(server, *[{"name": name, "value": 1, "unit": "<b>" * 1000} for name in HOSTILE])
    publish(server, *[{"name": f"many {number}", "value": number} for number in range(200)])
    with Publisher(server.address, KEY) as publisher:
        for data in (None, "text", [1], 5):
            publisher.publish("display", "metrics", data)
    publish(server, {"name": "many 1", "value": 12345.5})
    page.wait_for(f"{VALUE % json.dumps('many 1')} === '12,346'")
    own = {chart.name for chart in CHARTS}
    names = [name for name in page.evaluate(NAMES) if name not in own]
    shown = [name if len(name) <= 60 else f"{name[:60]}\u2026" for name in HOSTILE]
    assert names[: 1 + len(HOSTILE)] == ["bad 7", *shown]
    assert len(names) == 24
    assert page.evaluate("document.querySelectorAll('.charts img, .charts script, .charts b b').length") == 0
    assert "no room for another chart" in page.evaluate("document.getElementById('display-told').textContent")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.errors == []


def test_a_thousand_numbers_a_second_leave_the_page_usable(chromium: Browser, serve: Serve) -> None:
    server = serve()
    page = look(chromium, server)
    for batch in range(5):
        publish(server, *[{"name": "fast", "value": math.sin(number)} for number in range(1000)])
        publish(server, {"name": "last", "value": batch})
    page.wait_for(f"{NAMES}.includes('last') && {VALUE % json.dumps('last')} === '4'")
    page.click("#display-pause")
    page.wait_for("document.getElementById('display-pause').getAttribute('aria-pressed') === 'true'")


def test_the_keyboard_reads_each_value(chromium: Browser, serve: Serve) -> None:
    page = look(chromium, serve())
    page.wait_for("document.querySelector('.plot').getAttribute('aria-valuetext').indexOf(' now') > 0")
    page.evaluate("document.querySelector('.plot').focus()")
    page.press("ArrowLeft")
    page.wait_for("document.querySelector('.plot').getAttribute('aria-valuetext').indexOf(' at ') > 0")
    assert page.evaluate("document.querySelectorAll('.chart-moment')[2].textContent").startswith(" at ")
    page.press("Escape")
    page.wait_for("document.querySelector('.plot').getAttribute('aria-valuetext').indexOf(' now') > 0")
    page.press("Tab")
    page.press("Enter")
    page.wait_for("document.querySelectorAll('.chart-table:not(.hidden) tr').length > 1")
    assert page.evaluate("document.activeElement.getAttribute('aria-expanded')") == "true"


def test_a_browser_that_cannot_draw_has_tables(chromium: Browser, serve: Serve) -> None:
    page = chromium.new_page()
    page.add_init_script("Document.prototype.createElementNS = undefined")
    page.open(f"{serve().address}display/")
    page.wait_for("document.querySelectorAll('.chart-table tr').length > 7")
    assert page.evaluate("document.querySelectorAll('svg, .plot').length") == 0
    assert page.errors == []


def test_a_cut_connection_loses_nothing(chromium: Browser, serve: Serve) -> None:
    page = look(chromium, serve())
    page.click(".thywill-cut")
    page.wait_for("document.querySelector('.thywill-cut-told').textContent.indexOf('lost 0') > 0")
    told = page.evaluate("document.querySelector('.thywill-cut-told').textContent")
    assert "100 of 100 numbers arrived, 0 of them twice" in told
    assert page.errors == []


@pytest.mark.parametrize("queue", ["memory", "database"])
def test_the_charts_go_on_after_a_kill(chromium: Browser, serve: Serve, queue: str) -> None:
    server = serve("--queue", queue)
    page = look(chromium, server)
    publish(server, {"name": "Office", "value": 21.5})
    page.wait_for(f"{NAMES}.includes('Office')")
    server.kill()
    page.wait_for(OFFLINE)
    again = serve("--queue", queue, port=server.port)
    page.wait_for(ONLINE, timeout=60)
    publish(again, {"name": "Office", "value": 22.5})
    page.wait_for(f"{VALUE % json.dumps('Office')} === '22.5'")
    lowest = (
        f"{NAMES}.includes('Office') && document.body.textContent.indexOf('Lowest 21.5, highest 22.5') > 0"
    )
    page.wait_for(lowest)
    if queue == "database":
        late = look(chromium, again)
        late.wait_for(lowest)


def test_script_and_style_are_small() -> None:
    static = ROOT / "apps" / "display" / "static"
    files = [*Display.scripts, *Display.styles]
    assert len(gzip.compress(b"".join((static / file).read_bytes() for file in files))) <= 15 * 1024
