"""What people see on the page of the display, and what programs publish there."""

from __future__ import annotations

from typing import Any

from tests.browser.drivers import Browser, Page
from tests.support.served import Reachable
from thywill.publisher import Publisher

KEY = "0123456789abcdef0123456789abcdef"
DRAWN = "document.querySelectorAll('.chart:not(.hidden) .line[d^=M]').length"
NAMES = "Array.from(document.querySelectorAll('.chart:not(.hidden) .chart-name')).map(n => n.textContent)"
VALUE = """Array.from(document.querySelectorAll('.chart')).filter(
    c => c.querySelector('.chart-name').textContent === %s)[0].querySelector('.chart-now b').textContent"""
OFFLINE = "document.getElementById('display-state').textContent.indexOf('Offline') === 0"
ONLINE = "document.getElementById('display-state').textContent.indexOf('Connected') === 0"


def look(browser: Browser, server: Reachable) -> Page:
    page = browser.open(f"{server.address}display/", isolated=True)
    page.wait_for(f"{DRAWN} >= 5")
    return page


def publish(server: Reachable, *numbers: dict[str, Any]) -> None:
    with Publisher(server.address, KEY) as publisher:
        publisher.many([{"application": "display", "channel": "metrics", "data": each} for each in numbers])
