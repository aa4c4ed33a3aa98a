"""Takes the README's pictures: ``python3 -m tests.tools.pictures`` writes them into ``thywill/pictures/``.

It starts a server and Chromium, and lets a few people come, so that there is something to see. The diagrams
in that folder are written by hand.
"""

from __future__ import annotations

from tests.gate.entry import enter

if __name__ == "__main__":
    enter("tests.tools.pictures")

import argparse
import base64
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tests.browser.drivers import Page
from tests.browser.drivers.chromium import KEYS, Chromium, ChromiumPage
from tests.gate.environment import ROOT
from tests.support.threaded_server import ThreadedServer

FOLDER = ROOT / "thywill" / "pictures"
QUALITY = 72
"""Of WebP, in percent: a picture has some 30 KB."""
LARGEST = 60 * 1024
"""Bytes of a picture; the repository keeps each of them for ever."""
NAMES = ("Ada", "Grace", "Edsger")
PLAYED = 15.0
"""Seconds that they play before the picture of the game."""
STRIDE = 0.7
"""Seconds in one direction."""
ARROWS = ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp")
HERE = "document.getElementById('thywill-figures').className === 'figures'"


class Picture(NamedTuple):
    """A picture: its name, and the size of the page."""

    name: str
    width: int
    height: int


FRONT = Picture("front", 1000, 760)
GAME = Picture("game", 1000, 700)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.tools.pictures", description=__doc__)
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where to write them")
    folder: Path = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(ThreadedServer(data))
        browser = stack.enter_context(Chromium())
        players = [play(browser, server.address, name) for name in NAMES]
        for name in ("chat/", "draw/"):
            browser.open(server.address + name, isolated=True)
        steer(players)
        players[0].evaluate("document.activeElement.blur()")
        take(players[0], GAME, folder)
        front = browser.new_page(isolated=True)
        front.set_viewport(FRONT.width, FRONT.height)
        front.open(server.address)
        front.wait_for(HERE)
        time.sleep(2.0)  # until the rates are those of a whole second
        take(front, FRONT, folder)
    return 0


def play(browser: Chromium, address: str, name: str) -> Page:
    """Open the game as somebody of that name."""
    page = browser.new_page(isolated=True)
    page.set_viewport(GAME.width, GAME.height)
    page.open(f"{address}game/")
    page.wait_for("document.querySelectorAll('#game-scores li').length > 0")
    page.type("#game-name", name)
    page.press("Enter")
    page.click("#game-arena")
    return page


def steer(players: list[Page]) -> None:
    """Let everybody move about for a while."""
    end, turn = time.monotonic() + PLAYED, 0
    while time.monotonic() < end:
        for number, player in enumerate(players):
            hold(player, ARROWS[(turn + number) % len(ARROWS)], "rawKeyDown")
        time.sleep(STRIDE)
        for number, player in enumerate(players):
            hold(player, ARROWS[(turn + number) % len(ARROWS)], "keyUp")
        turn += 1


def hold(page: Page, key: str, kind: str) -> None:
    """Press a key down, or let go of it."""
    assert isinstance(page, ChromiumPage)
    code, number, _ = KEYS[key]
    page.call("Input.dispatchKeyEvent", type=kind, key=key, code=code, windowsVirtualKeyCode=number)


def take(page: Page, picture: Picture, folder: Path) -> None:
    """Write what is seen of ``page``, and print how large that is."""
    assert isinstance(page, ChromiumPage)
    taken = page.call("Page.captureScreenshot", format="webp", quality=QUALITY)
    data = base64.b64decode(taken["data"])
    path = folder / f"{picture.name}.webp"
    path.write_bytes(data)
    print(f"{path}: {len(data):,} bytes", "" if len(data) <= LARGEST else "which is too much")
