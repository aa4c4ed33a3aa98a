"""What people do on the page of the game, and see there."""

from __future__ import annotations

import json

from tests.browser.drivers import Browser, Page
from tests.support.served import Reachable

HUNT = """(() => {
  const arena = document.getElementById('game-arena');
  const place = node => { const box = node.getBoundingClientRect(); return [box.left + box.width / 2, box.top + box.height / 2]; };
  const fire = (type, at) => arena.dispatchEvent(
    new MouseEvent(type, {bubbles: true, clientX: at[0], clientY: at[1]}));
  const nearest = () => {
    const own = place(document.querySelector('.own'));
    const far = at => Math.hypot(at[0] - own[0], at[1] - own[1]);
    return Array.from(document.querySelectorAll('.gem')).map(place).sort((a, b) => far(a) - far(b))[0];
  };
  fire('mousedown', nearest());
  setInterval(() => {
    if (document.querySelector('.own')) { fire('mousemove', nearest()); }
    if (window.own() !== null) { window.lowest = Math.min(window.lowest, window.own()); }
  }, 50);
  window.lowest = Infinity;
  window.own = () => { const row = document.querySelector('.score.mine b'); return row && Number(row.textContent); };
})()"""  # noqa: E501 - one script
"""Lets the player go to the nearest gem for ever. ``own()`` is its score, ``lowest`` the lowest so far."""
NAMES = "Array.from(document.querySelectorAll('.score-name')).map(each => each.textContent).sort()"
OFFLINE = "document.getElementById('game-state').textContent.indexOf('Offline') === 0"
WAITS = "document.getElementById('game-told').textContent.indexOf('Waiting') === 0"
STAR = 5
"""What is collected at once at most."""


def play(browser: Browser, server: Reachable, name: str = "") -> Page:
    """Open the page, and wait until its player is there; give it a name."""
    page = browser.open(f"{server.address}game/", isolated=True)
    page.wait_for("document.querySelector('.own') !== null")
    if name:
        page.type("#game-name", name)
        page.press("Enter")
        page.wait_for(f"{NAMES}.includes({json.dumps(name + ' (you)')})")
    return page


def hunt(page: Page, score: int) -> None:
    """Let the player collect, until it has so many points; it goes on for ever."""
    page.evaluate(HUNT)
    page.wait_for(f"own() >= {score}")


def own_score(page: Page) -> int:
    """Return the score of the page's player, from which on the lowest is looked for."""
    score: int = page.evaluate("window.lowest = own()")
    return score


def has_gone_on(page: Page, score: int) -> None:
    """Wait until the page's player has collected more than ``score``, and has never lost what it had.

    What it has got in the last half second before a kill may not have been saved yet.
    """
    page.wait_for(f"own() > {score}", timeout=90)
    assert page.evaluate("lowest") >= score - STAR
    page.wait_for(f"!({WAITS})")
