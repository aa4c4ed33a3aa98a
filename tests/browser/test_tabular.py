"""The table, as several people edit it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.tabular import Tabular
from tests.browser.drivers import Browser
from tests.gate.environment import ROOT
from tests.support.cut_page import cut, mend
from tests.support.served import Serve, serving
from tests.support.table_page import (
    CELL,
    DETAILS,
    FIRST,
    HERE,
    OFFLINE,
    ONLINE,
    STATES,
    begin,
    go,
    look,
    press_button,
    sees,
    text_of,
    write,
)

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)> \u05d0\u05d1 \U0001f469\u200d\U0001f680 &amp;"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    with serving(tmp_path) as start:
        yield start


def test_two_browsers_edit_one_table(chromium: Browser, firefox: Browser, serve: Serve) -> None:
    server = serve()
    one, other = look(chromium, server), look(firefox, server)
    write(one, 8, 0, "Water")
    sees(other, 8, 0, "Water")
    write(other, 8, 2, "1200,5")
    sees(one, 8, 2, "1,200.5")
    one.wait_for("document.querySelector('.sheet tfoot .number').textContent === '1,241.5'")
    late = look(chromium, server)
    sees(late, 8, 0, "Water")
    sees(late, 8, 2, "1,200.5")
    for page in (one, other, late):
        page.wait_for(f"{STATES} === 0")
        assert page.errors == []


def test_the_others_see_where_somebody_writes(chromium: Browser, firefox: Browser, serve: Serve) -> None:
    server = serve()
    one, other = look(chromium, server), look(firefox, server)
    begin(one, 3, 1, "D")
    other.wait_for(f"{CELL % (3, 1)}.querySelector('.cursor.writes') !== null")
    one.press("Escape")
    other.wait_for("document.querySelector('.cursor') && !document.querySelector('.cursor.writes')")
    sees(one, 3, 1, "Ada")
    one.evaluate("document.getElementById('tabular-name').value = '<b>Ada</b>'")
    press_button(one, "Save")
    other.wait_for("document.querySelector('.cursor-name').textContent === '<b>Ada</b>'")
    one.close()
    other.wait_for("!document.querySelector('.cursor') && document.querySelectorAll('.person').length === 1")


@pytest.mark.parametrize(("choice", "expected"), [("Keep mine", "Tea"), ("Take theirs", "Juice")])
def test_who_writes_over_somebody_else_has_to_decide(
    chromium: Browser, firefox: Browser, serve: Serve, choice: str, expected: str
) -> None:
    server = serve()
    one, other = look(chromium, server), look(firefox, server)
    begin(one, 0, 0, "Tea")
    write(other, 0, 0, "Juice")
    one.wait_for(f"{DETAILS}.indexOf('\u201cJuice\u201d here') > 0")
    one.press("Enter")
    one.wait_for(f"{CELL % (0, 0)}.className.indexOf('conflict') > 0")
    sees(one, 0, 0, "Tea")
    sees(other, 0, 0, "Juice")
    press_button(one, "Show")
    one.wait_for(f"{DETAILS}.indexOf('wrote \u201cJuice\u201d while you wrote \u201cTea\u201d') > 0")
    press_button(one, choice)
    for page in (one, other):
        sees(page, 0, 0, expected)
        page.wait_for(f"{STATES} === 0")
        assert page.errors == []


def test_the_keyboard_is_enough(chromium: Browser, serve: Serve) -> None:
    page = look(chromium, serve())
    go(page, 0, 0)
    for key, place in [
        ("ArrowDown", "0,1"), ("ArrowRight", "1,1"), ("ArrowUp", "1,0"), ("ArrowLeft", "0,0"),
        ("ArrowUp", "0,0"), ("End", "5,0"), ("ArrowRight", "5,0"), ("Home", "0,0"),
    ]:  # fmt: skip
        page.press(key)
        page.wait_for(f"{HERE} === {json.dumps(place)}")
    for key in ("Enter", "End", "!", "Tab"):
        page.press(key)
    sees(page, 0, 0, "Lemonade!")
    page.wait_for(f"{HERE} === '1,0'")
    for key in ("x", "Tab"):
        page.press(key, shift=key == "Tab")
    sees(page, 0, 1, "x")
    page.wait_for(f"{HERE} === '0,0'")
    page.press("Delete")
    sees(page, 0, 0, "")
    page.press("Tab")  # out of the table: one cell is its only stop
    assert page.evaluate("document.querySelector('.sheet').contains(document.activeElement)") is False
    assert page.errors == []


def test_rows_come_go_and_come_back(chromium: Browser, firefox: Browser, serve: Serve) -> None:
    server = serve()
    one, other = look(chromium, server), look(firefox, server)
    press_button(one, "Add a row")
    other.wait_for("document.querySelectorAll('.sheet tbody tr').length === 31")
    begin(other, 1, 0, "lost?")
    one.evaluate(f"{CELL % (1, 0)}.parentNode.querySelector('.row-remove').click()")
    other.wait_for("document.querySelectorAll('.sheet tbody tr').length === 30")
    other.wait_for("document.getElementById('tabular-told').textContent.indexOf('lost?') > 0")
    press_button(one, "Undo")
    for page in (one, other):
        sees(page, 1, 0, "Bread")
        assert page.errors == []


def test_a_column_sorts_and_the_past_of_a_cell_can_be_used(chromium: Browser, serve: Serve) -> None:
    page = look(chromium, serve())
    press_button(page, "What")
    page.wait_for(f"{FIRST}[0] === 'Badminton' && {FIRST}[8] === ''")
    press_button(page, "What \u25b2")
    page.wait_for(f"{FIRST}[0] === 'Tomatoes' && {FIRST}[8] === ''")
    assert page.evaluate("document.querySelector('[aria-sort=descending]').textContent") == "What \u25bc"
    write(page, 0, 0, "Zucchini")
    page.wait_for(f"{FIRST}[0] === 'Zucchini' && {STATES} === 0")
    go(page, 0, 0)
    press_button(page, "History")
    page.wait_for("document.querySelectorAll('.past li').length === 2")
    press_button(page, "Use")
    page.wait_for(f"{FIRST}[0] === 'Tomatoes' && {STATES} === 0")
    assert page.errors == []


def test_what_people_write_is_text_and_what_is_wrong_is_told(
    chromium: Browser, firefox: Browser, serve: Serve
) -> None:
    server = serve()
    one, other = look(chromium, server), look(firefox, server)
    go(one, 9, 0)
    one.press("Enter")
    one.evaluate(f"document.querySelector('.cell-input').value = {json.dumps(HOSTILE)}")
    one.press("Enter")
    sees(other, 9, 0, HOSTILE)
    for row, column, text, problem in (
        (10, 0, "x" * 100_000, "too large"),
        (10, 0, "x" * 201, "at most 200"),
        (10, 2, "many", "no number"),
        (10, 2, "9" * 20, "no number"),
    ):
        go(one, row, column)
        one.press("Enter")
        one.evaluate(f"document.querySelector('.cell-input').value = {json.dumps(text)}")
        one.press("Enter")
        one.wait_for(f"{CELL % (row, column)}.className.indexOf('failed') > 0")
        go(one, row, column)
        one.wait_for(f"{DETAILS}.indexOf({json.dumps(problem)}) > 0 || ({DETAILS}.indexOf('bytes') > 0)")
        press_button(one, "Discard")
        sees(one, row, column, "")
    assert other.evaluate("document.querySelectorAll('.sheet img').length") == 0
    assert other.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert one.errors == other.errors == []


def test_a_cut_connection_loses_nothing(chromium: Browser, firefox: Browser, serve: Serve) -> None:
    server = serve()
    one, other = look(chromium, server), look(firefox, server)
    cut(one)
    one.wait_for(OFFLINE)
    write(one, 11, 0, "written while cut")
    one.wait_for("document.querySelectorAll('.saving').length === 1")
    write(other, 12, 0, "meanwhile")
    mend([one])
    sees(other, 11, 0, "written while cut")
    sees(one, 12, 0, "meanwhile")
    assert one.errors == []


def test_nothing_is_lost_by_a_kill(chromium: Browser, firefox: Browser, serve: Serve) -> None:
    server = serve("--queue", "database")
    one, other = look(chromium, server), look(firefox, server)
    write(one, 8, 0, "before")
    sees(other, 8, 0, "before")
    server.kill()
    for page in (one, other):
        page.wait_for(OFFLINE)
    write(one, 9, 0, "mine")
    write(other, 9, 0, "theirs")
    write(other, 10, 0, "meanwhile")
    again = serve("--queue", "database", port=server.port)
    for page in (one, other):
        page.wait_for(ONLINE, timeout=60)
        sees(page, 10, 0, "meanwhile")
        page.wait_for("document.querySelectorAll('.saving').length === 0")
    # One of the two was first; the other has to decide.
    assert sum(page.evaluate("document.querySelectorAll('.conflict').length") for page in (one, other)) == 1
    late = look(chromium, again)
    sees(late, 8, 0, "before")
    sees(late, 10, 0, "meanwhile")
    assert late.evaluate(text_of(9, 0)) in ("mine", "theirs")


def test_a_server_that_forgets_loses_nothing_that_was_being_written(chromium: Browser, serve: Serve) -> None:
    server = serve()
    page = look(chromium, server)
    write(page, 8, 0, "forgotten")
    page.wait_for(f"{STATES} === 0")
    server.kill()
    page.wait_for(OFFLINE)
    write(page, 9, 0, "not saved yet")
    serve(port=server.port)
    page.wait_for(ONLINE, timeout=60)
    page.wait_for(f"{CELL % (9, 0)}.className.indexOf('failed') > 0")
    sees(page, 9, 0, "not saved yet")
    sees(page, 8, 0, "")


def test_script_and_style_are_small() -> None:
    static = ROOT / "apps" / "tabular" / "static"
    files = [*Tabular.scripts, *Tabular.styles]
    assert len(gzip.compress(b"".join((static / file).read_bytes() for file in files))) <= 15 * 1024
