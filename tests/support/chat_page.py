"""The actions of a person on the chat's page, and what the page shows."""

from __future__ import annotations

import json

from tests.browser.drivers import Page
from tests.support.served import Reachable

CONNECTED = "document.getElementById('chat-status-text').innerText === 'Connected'"
ENTERED = "document.querySelectorAll('#chat-people li').length > 0"
BUBBLES = "Array.from(document.querySelectorAll('.bubble:not(.pending)')).map(b => b.innerText.trim())"


def enter(page: Page, server: Reachable) -> Page:
    page.open(server.address + "chat/")
    page.wait_for(f"{CONNECTED} && {ENTERED}")
    return page


def say(page: Page, text: str) -> None:
    page.evaluate(
        f"(() => {{ document.getElementById('chat-text').value = {json.dumps(text)};"
        " document.getElementById('chat-send').click(); })()"
    )


def rename(page: Page, name: str) -> None:
    field, send = "document.getElementById('chat-name')", "document.querySelector('#chat-name-form button')"
    page.evaluate(f"({field}.value = {json.dumps(name)}, {send}.click())")
    page.wait_for(f"document.getElementById('chat-you').textContent === {json.dumps(name)}")


def sees(page: Page, text: str) -> None:
    page.wait_for(f"{BUBBLES}.includes({json.dumps(text)})")
