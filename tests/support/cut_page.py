"""The button "Cut the connection", on whichever application's page."""

from __future__ import annotations

from collections.abc import Iterable

from tests.browser.drivers import Page

APPLICATIONS = ("echo", "chat", "game", "draw", "vote", "display", "tabular", "calculations")
BUTTON, TOLD = ".thywill-cut", "document.querySelector('.thywill-cut-told').textContent"
COUNTED = "100 of 100 numbers arrived, 0 of them twice: lost 0."


def cut(pages: Iterable[Page]) -> None:
    """Press the button on each page; return when all are cut."""
    pages = list(pages)
    for page in pages:
        page.wait_for(f"document.querySelector('{BUTTON}') !== null")
        page.click(BUTTON)
    for page in pages:
        page.wait_for(f"{TOLD}.indexOf('Cut for') >= 0")


def has_lost_nothing(page: Page) -> None:
    """Wait until the page is back, and has got each number of the server once."""
    page.wait_for(f"{TOLD}.indexOf('lost 0') > 0", timeout=120)
    assert page.evaluate(TOLD).strip() == COUNTED
