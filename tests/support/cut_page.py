"""The button "Cut the connection", on whichever application's page."""

from __future__ import annotations

from collections.abc import Iterable

from tests.browser.drivers import Page

APPLICATIONS = ("echo", "chat", "game", "draw", "vote", "display", "tabular", "calculations")
BUTTON, TOLD = ".thywill-cut", "document.querySelector('.thywill-cut-told').textContent"
COUNTED = "100 of 100 numbers arrived, 0 of them twice: lost 0."
UNTIL_TOLD = """(clock => {
  const set = clock.set;
  clock.set = (action, time) => {
    if (!/isCut = false/.test(action)) { return set.call(clock, action, time); }
    window.endCut = action;
    return 0;
  };
})(thywill.clock)"""
"""Lets the cut last until ``endCut()``: on a busy machine a test may not get far within ten seconds."""


def cut(*pages: Page) -> None:
    """Press the button on each page; return when all are cut, which they are until ``mend``."""
    for page in pages:
        page.wait_for(f"document.querySelector('{BUTTON}') !== null")
        page.evaluate(f"({UNTIL_TOLD}, 0)")
        page.click(BUTTON)
    for page in pages:
        page.wait_for(f"{TOLD}.indexOf('Cut for') >= 0 && !!window.endCut")


def mend(pages: Iterable[Page]) -> None:
    """End the cut of each page; wait until it is back, and has got each number of the server once."""
    pages = list(pages)
    for page in pages:
        page.evaluate("(endCut(), 0)")
    for page in pages:
        page.wait_for(f"{TOLD}.indexOf('lost 0') > 0", timeout=120)
        assert page.evaluate(TOLD).strip() == COUNTED
