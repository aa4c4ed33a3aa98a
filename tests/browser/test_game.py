"""The game, as people play it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import Browser, Page
from tests.support.game_page import NAMES, OFFLINE, has_gone_on, hunt, own_score, play
from tests.support.served import Serve, Served, serving

pytestmark = pytest.mark.browser

KEY = "document.dispatchEvent(Object.assign(new Event('%s', {bubbles: true}), {keyCode: %d}))"
LEFT = "document.querySelector('.own').style.left"
PEOPLE = f"{NAMES}.filter(name => name.indexOf('(bot)') < 0)"
LEFT_ARROW, UP_ARROW, RIGHT_ARROW, DOWN_ARROW = 37, 38, 39, 40
TOP = """parseFloat(Array.from(document.querySelectorAll('.disc')).filter(
    each => each.querySelector('.disc-name').textContent === '%s')[0].style.top)"""


def press(page: Page, key: int) -> None:
    for kind in ("keydown", "keyup"):
        page.evaluate(KEY % (kind, key))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Served]:
    served = Served(tmp_path)
    yield served
    served.kill()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with serving(tmp_path) as start:
        yield start


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


def test_the_game_and_its_scores_survive_a_kill(chromium: Browser, firefox: Browser, serve: Serve) -> None:
    server = serve("--queue", "database")
    pages = [play(chromium, server, "Ada"), play(firefox, server, "Ben")]
    for page in pages:
        hunt(page, 6)
    scores = [own_score(page) for page in pages]
    server.kill()
    for page in pages:
        page.wait_for(OFFLINE)
    serve("--queue", "database", port=server.port)
    for page, score in zip(pages, scores, strict=True):
        has_gone_on(page, score)
        page.wait_for(f"{PEOPLE}.map(name => name.replace(' (you)', '')).join() === 'Ada,Ben'")
        page.wait_for("document.querySelectorAll('.disc').length === 3")


def test_who_steers_while_the_server_is_away_goes_on_steering(chromium: Browser, serve: Serve) -> None:
    server = serve("--queue", "database")
    ada, ben, cem = [play(chromium, server, name) for name in ("Ada", "Ben", "Cem")]
    ben.evaluate(KEY % ("keydown", UP_ARROW))
    for key in (RIGHT_ARROW, LEFT_ARROW) * 3:
        press(cem, key)
    ada.wait_for(f"{TOP % 'Ben'} < 3.1")
    server.kill()
    cem.wait_for(OFFLINE)
    press(cem, RIGHT_ARROW)
    serve("--queue", "database", port=server.port)
    # All are somewhere else. Cem's next order counts beside the one that was sent meanwhile.
    cem.wait_for(f"!({OFFLINE})")
    cem.evaluate(KEY % ("keydown", DOWN_ARROW))
    ada.wait_for(f"{TOP % 'Cem'} > 96.9")
    # Ben goes on, whose key is held down all the time.
    ada.wait_for(f"{TOP % 'Ben'} < 3.1")
