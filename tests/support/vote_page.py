"""What people do on the page of the poll, and see there."""

from __future__ import annotations

from tests.browser.drivers import Browser, Page
from tests.support.served import Reachable

COUNTS = "[...document.querySelectorAll('.votes')].map(each => parseInt(each.textContent, 10)).join(' ')"
MINE = "[...document.querySelectorAll('[aria-pressed=true] .text')].map(each => each.textContent).join(' ')"
ANSWER = ".answer:nth-child(%d) button"


def visit(browser: Browser, server: Reachable, *, page: Page | None = None, ticket: str = "") -> Page:
    page = page or browser.new_page(isolated=True)
    page.open(f"{server.address}vote/" + (f"?ticket={ticket}" if ticket else ""))
    page.wait_for("document.querySelectorAll('.answer').length > 1")
    return page


def choose(page: Page, answer: int) -> None:
    page.click(ANSWER % answer)


def sees(page: Page, *counts: int, timeout: float = 60) -> None:
    page.wait_for(
        f"{COUNTS} === '{' '.join(map(str, counts))}' && vote.booth.pending === null", timeout=timeout
    )
