"""What people do on the page of the table, and see there."""

from __future__ import annotations

import json

from tests.browser.drivers import Browser, Page
from tests.support.served import Reachable

OFFLINE = "document.getElementById('tabular-state').textContent.indexOf('Offline') === 0"
ONLINE = "document.getElementById('tabular-state').textContent.indexOf('Connected') === 0"
CELL = "document.querySelectorAll('.sheet tbody tr')[%d].querySelectorAll('.cell')[%d]"
STATES = "document.querySelectorAll('.saving, .conflict, .failed').length"
FIRST = "Array.from(document.querySelectorAll('.sheet tbody .cell:nth-child(2)')).map(c => c.textContent)"
DETAILS = "document.getElementById('tabular-details').textContent"
HERE = """(function (cell) {
    var isChosen = document.querySelector('.chosen') === cell;
    return isChosen && [cell.cellIndex - 1, cell.parentNode.rowIndex - 1].join();
}(document.activeElement))"""


def look(browser: Browser, server: Reachable) -> Page:
    page = browser.open(f"{server.address}tabular/", isolated=True)
    page.wait_for("document.querySelectorAll('.sheet tbody tr').length >= 30")
    return page


def text_of(row: int, column: int) -> str:
    return f"{CELL % (row, column)}.querySelector('.cell-text').textContent"


def go(page: Page, row: int, column: int) -> None:
    page.evaluate(f"{CELL % (row, column)}.focus()")


def begin(page: Page, row: int, column: int, text: str) -> None:
    go(page, row, column)
    for character in text:
        page.press(character)


def write(page: Page, row: int, column: int, text: str) -> None:
    begin(page, row, column, text)
    page.press("Enter")


def sees(page: Page, row: int, column: int, text: str, timeout: float = 60) -> None:
    page.wait_for(f"{text_of(row, column)} === {json.dumps(text)}", timeout=timeout)


def press_button(page: Page, name: str) -> None:
    page.wait_for(
        "(function (b) { if (b) { b.click(); } return !!b; }(Array.from(document.querySelectorAll('button'))"
        f".filter(b => b.textContent === {json.dumps(name)} && b.offsetHeight)[0]))"
    )
