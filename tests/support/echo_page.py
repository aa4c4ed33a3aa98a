"""What people do on the page of the echo, and see there."""

from __future__ import annotations

from tests.browser.drivers import Browser, Page
from tests.support.served import Reachable

TRANSPORT = "document.getElementById('echo-transport').textContent"
CONNECTED = "document.getElementById('echo-state').textContent === 'Connected'"
ECHOES = "Array.from(document.querySelectorAll('#echo-list .text')).map(each => each.textContent)"
ROWS = "Array.from(document.querySelectorAll('#echo-table tr')).map(row => row.textContent)"
COUNT = "document.getElementById('echo-count').textContent"


def open_echo(browser: Browser, server: Reachable) -> Page:
    page = browser.open(f"{server.address}echo/", isolated=True)
    page.wait_for(CONNECTED)
    return page


def send(page: Page, text: str) -> None:
    page.type("#echo-text", text)
    page.press("Enter")
