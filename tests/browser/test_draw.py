"""The paper, as people draw on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import Browser
from tests.support.cut_page import cut, mend
from tests.support.draw_page import LINES, PIXELS, SEEN, sees, stroke, visit
from tests.support.served import Serve, serving
from thywill.publisher import Publisher

pytestmark = pytest.mark.browser

NO_CANVAS = "HTMLCanvasElement.prototype.getContext = function () { return null; };"
COLOURED = """[...document.querySelectorAll('.cells td')]
  .filter(cell => cell.style.backgroundColor !== 'rgb(255, 253, 247)').length"""
DRAWN = f"""new Promise(resolve => {{
  const isDrawn = () => window.draw && draw.board && {LINES} === 5000 && !draw.board.isDue;
  const look = () => isDrawn() ? resolve(performance.now()) : setTimeout(look, 5);
  look();
}})"""
TWICE = "(button => { button.click(); button.click(); return 0; })(document.getElementById('%s'))"
"""The second click counts within some seconds."""
KEY = "abcdefghijklmnop"
MANY = 5000


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with serving(tmp_path) as start:
        yield start


def test_two_browsers_draw_and_a_late_one_sees_the_same(
    chromium: Browser, firefox: Browser, serve: Serve
) -> None:
    server = serve()
    ann, bob = visit(chromium, server), visit(firefox, server)
    for page in (ann, bob):
        page.wait_for("document.querySelectorAll('#draw-people li').length === 2")
    stroke(ann, (0.1, 0.1), (0.3, 0.4), (0.5, 0.1))
    bob.wait_for("document.querySelector('.pen-name') !== null")  # for some seconds
    sees(bob, 1)
    bob.click(".ink-3")
    stroke(bob, (0.2, 0.8), (0.8, 0.8))
    stroke(bob, (0.5, 0.5))
    stroke(ann, (0.9, 0.9), (1.2, 1.1), (0.95, 0.2))
    sees(ann, 5)
    ann.click("#draw-undo")
    sees(bob, 3)
    late = visit(chromium, server)
    sees(late, 3)
    assert late.evaluate(SEEN) == ann.evaluate(SEEN) == bob.evaluate(SEEN)
    assert late.evaluate(PIXELS) == ann.evaluate(PIXELS)
    ann.evaluate(TWICE % "draw-clear")
    sees(late, 2)
    assert [page.errors for page in (ann, bob, late)] == [[], [], []]


def test_the_keyboard_alone_draws_and_undoes(browser: Browser, serve: Serve) -> None:
    page = visit(browser, serve())
    page.evaluate("document.getElementById('draw-paper').focus()")
    for key in (" ", "ArrowRight", "ArrowRight", "ArrowDown", " ", "ArrowLeft"):
        page.press(key)
    sees(page, 1)
    assert page.evaluate("draw.board.picture.lines()[0].points.length") == 3
    page.evaluate("document.getElementById('draw-undo').focus()")
    page.press("Enter")
    sees(page, 0)


def test_without_a_canvas_cells_are_coloured(chromium: Browser, serve: Serve) -> None:
    server = serve()
    page, other = visit(chromium, server, script=NO_CANVAS), visit(chromium, server)
    stroke(other, (0.1, 0.1), (0.9, 0.1))
    sees(page, 1)
    page.wait_for(f"{COLOURED} > 50")
    other.click("#draw-undo")
    page.wait_for(f"{COLOURED} === 0")
    stroke(page, (0.5, 0.5), (0.5, 0.9))
    sees(other, 1)
    assert page.errors == []


def test_a_cut_connection_loses_nothing_that_is_drawn(chromium: Browser, serve: Serve) -> None:
    server = serve()
    ann, bob = visit(chromium, server), visit(chromium, server)
    cut(ann)
    stroke(ann, (0.1, 0.1), (0.5, 0.9))
    stroke(bob, (0.9, 0.1), (0.5, 0.2))
    sees(bob, 1)
    assert ann.evaluate("[draw.board.pending.length, draw.board.picture.lines().length]") == [1, 0]
    mend([ann])
    for page in (ann, bob):
        sees(page, 2)
    assert ann.evaluate(PIXELS) == bob.evaluate(PIXELS)


def test_the_picture_survives_a_kill(browser: Browser, serve: Serve) -> None:
    server = serve("--queue", "database")
    page = visit(browser, server)
    page.type("#draw-name", "Ada")
    page.press("Enter")
    stroke(page, (0.1, 0.1), (0.5, 0.9))
    stroke(page, (0.2, 0.1), (0.6, 0.9))
    sees(page, 2)
    server.kill()
    page.wait_for("document.getElementById('draw-state').textContent.indexOf('Offline') === 0")
    stroke(page, (0.3, 0.1), (0.7, 0.9))
    serve("--queue", "database", port=server.port)
    sees(page, 3)
    late = visit(browser, server)
    sees(late, 3)
    assert late.evaluate(PIXELS) == page.evaluate(PIXELS)
    late.wait_for("document.getElementById('draw-people').textContent.indexOf('Ada') >= 0")
    # A person can go on taking back what was drawn before.
    for left in (2, 1, 0):
        page.click("#draw-undo")
        sees(late, left)


def test_five_thousand_lines_are_drawn_soon_and_the_oldest_fade(
    chromium: Browser, serve: Serve, tmp_path: Path
) -> None:
    (tmp_path / "settings.toml").write_text(f'[publishing.keys]\ntest = "{KEY}"\n')
    server = serve("--config", str(tmp_path / "settings.toml"))
    with Publisher(f"http://127.0.0.1:{server.port}/", KEY) as publisher:
        for first in range(0, MANY, 500):
            publisher.many([scribble(number) for number in range(first, first + 500)])
        page = visit(chromium, server)
        sees(page, MANY)
        page.open(f"http://127.0.0.1:{server.port}/draw/")
        milliseconds = page.evaluate(DRAWN)
        print(f"{MANY} lines are drawn {milliseconds:.0f} ms after the navigation began")
        assert milliseconds < 50_000  # one second on a quiet machine
        # The oldest lines fade: who was there sees the same as who comes later.
        publisher.many([scribble(number) for number in range(MANY, MANY + 3)])
    page.wait_for(f"{LINES} === {MANY} && draw.board.picture.lines()[0].n === 3 && !draw.board.isDue")
    late = visit(chromium, server)
    sees(late, MANY)
    assert late.evaluate(SEEN) == page.evaluate(SEEN)
    assert late.evaluate(PIXELS) == page.evaluate(PIXELS)
    assert page.errors == []


def scribble(number: int) -> dict[str, object]:
    """Return a line that looks like a hand's: a wave of 28 points, each at another place."""
    left, top = number % 100 * 36, number // 100 * 70
    points = "".join(digits(left + 16 * i) + digits(top + (i * 37 + number) % 120) for i in range(28))
    line = {"type": "line", "by": "test", "n": number, "c": number % 10 + 1, "w": number % 3, "p": points}
    return {"application": "draw", "channel": "paper", "data": line}


def digits(number: int) -> str:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    return alphabet[min(number, 4095) >> 6] + alphabet[min(number, 4095) & 63]
