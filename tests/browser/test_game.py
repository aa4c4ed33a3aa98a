"""The game, as people play it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import Browser, Page
from tests.support.served import Served

pytestmark = pytest.mark.browser

KEY = "document.dispatchEvent(Object.assign(new Event('%s', {bubbles: true}), {keyCode: %d}))"
LEFT = "document.querySelector('.own').style.left"
RIGHT_ARROW, LEFT_ARROW = 39, 37


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    served.kill()


def play(browser: Browser, server: Served) -> Page:
    page = browser.open(f"http://127.0.0.1:{server.port}/game/", isolated=True)
    page.wait_for("document.querySelector('.own') !== null")
    return page


def test_two_browsers_play_with_a_bot(chromium: Browser, firefox: Browser, server: Served) -> None:
    pages = [play(chromium, server), play(firefox, server)]
    for page in pages:
        page.wait_for("document.querySelectorAll('#game-scores li').length === 3")
        page.wait_for("document.getElementById('game-scores').textContent.indexOf('(bot)') > 0")
        before = page.evaluate(LEFT)
        key = LEFT_ARROW if float(before.rstrip("%")) > 50 else RIGHT_ARROW
        page.evaluate(KEY % ("keydown", key))
        page.wait_for(f"{LEFT} !== {before!r}")
        page.evaluate(KEY % ("keyup", key))
        assert page.errors == []


def test_a_cut_connection_loses_nothing(chromium: Browser, server: Served) -> None:
    page = play(chromium, server)
    page.click(".thywill-cut")
    page.wait_for("document.querySelector('.thywill-cut-told').textContent.indexOf('lost 0') > 0")
    assert "100 of 100 numbers arrived, 0 of them twice" in page.evaluate(
        "document.querySelector('.thywill-cut-told').textContent"
    )
    assert page.errors == []
