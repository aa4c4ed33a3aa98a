"""How late the game's updates are, in four pages of Chromium. ``python3 -m tests.tools.play``

Four pages play for a minute over long polling, and again over the transport that they choose themselves. Then
the same behind a slow network: 50 ms each way, and one answer in a hundred is cut in the middle. The delay of
an update is from the server's step to the page's message, by the clock of the machine. At last eight players
that poll count the bytes that come to each.
"""

from __future__ import annotations

from tests.gate.entry import enter

if __name__ == "__main__":
    enter("tests.tools.play.__main__")

import argparse
import asyncio
import json
import random
import statistics
import tempfile
import threading
import time
from pathlib import Path

from tests.browser.drivers import Chromium, Page
from tests.support.served import FORCIBLE, UNLIMITED, Served
from tests.tools.audit.network import Asked, Network, Plan, clean

PAGES, PLAYERS = 4, 8
LATE = 0.05
"""Seconds that a request, and its answer, are on their way in the slow network."""
CUT = 0.01
"""The part of the answers that are cut."""
STEER = """(function () {
  var keys = [37, 38, 39, 40];
  window.setInterval(function () {
    var key = keys[Math.floor(Math.random() * 4)], down = new Event('keydown', {bubbles: true}), up = new Event('keyup', {bubbles: true});
    document.dispatchEvent(Object.assign(down, {keyCode: key}));
    window.setTimeout(function () { document.dispatchEvent(Object.assign(up, {keyCode: key})); }, 400);
  }, 700);
}())"""  # noqa: E501 - one script


class SlowNetwork:
    """A proxy in a thread of its own: the game's requests and answers come late, and some answers are cut."""

    def __init__(self, port: int) -> None:
        self._chance = random.Random(7)
        self._loop = asyncio.new_event_loop()
        self.network = Network(lambda path: port)
        self.network.planner = self._plan
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.network.start(), self._loop).result(10)

    def _plan(self, asked: Asked) -> Plan:
        if not asked.path.startswith(b"/thywill/"):
            return clean(asked)
        cut = self._chance.randrange(20, 300) if self._chance.random() < CUT else None
        return Plan(request_late=LATE, response_late=LATE, response_cut=cut)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python3 -m tests.tools.play", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="for each row (%(default)s)")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    chosen = read_arguments(arguments)
    print("| network | transport | updates | delay p50 / p99, ms | pages that play at the end |")
    print("|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder, Chromium() as browser:
        for slow in (False, True):
            for transport in ("longpoll", ""):
                place = Path(folder) / f"{slow}{transport}"
                place.mkdir()
                print(measure(browser, place, transport, chosen.seconds, slow=slow), flush=True)
        (place := Path(folder) / "bytes").mkdir()
        print(f"\n{PLAYERS} players that poll: {asyncio.run(weigh(place)) / 1024:.1f} KB a second for each")
    return 0


def measure(browser: Chromium, folder: Path, transport: str, seconds: float, *, slow: bool) -> str:
    """Return the row of one network and one transport."""
    with Served(folder, environment=FORCIBLE) as server:
        network = SlowNetwork(server.port) if slow else None
        port = network.network.port if network else server.port
        asked = f"?transport={transport}" if transport else ""
        pages = [browser.open(f"http://127.0.0.1:{port}/game/{asked}", isolated=True) for _ in range(PAGES)]
        for page in pages:
            page.wait_for("document.querySelector('.own') !== null")
            page.evaluate(STEER)
            page.evaluate("window.gems.delays.length = 0")
        delays = watch(pages, seconds)
        playing = sum(bool(page.evaluate("document.querySelector('.own') !== null")) for page in pages)
        used = pages[0].evaluate("document.getElementById('game-state').textContent")
        for page in pages:
            page.close()
        if network:
            network.stop()
    middle, worst = statistics.median(delays), sorted(delays)[int(len(delays) * 0.99)]
    name = "50 ms each way, 1% cut" if slow else "local"
    return f"| {name} | {used} | {len(delays):,} | {middle:.0f} / {worst:.0f} | {playing} of {PAGES} |"


def watch(pages: list[Page], seconds: float) -> list[float]:
    """Return the delays in milliseconds that the pages have noted within ``seconds``."""
    delays: list[float] = []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        time.sleep(5)
        for page in pages:
            delays += page.evaluate("window.gems.delays.splice(0)")
    return delays


async def weigh(folder: Path, seconds: float = 20) -> float:
    """Return the bytes a second that come to one of eight players, heads of the answers included."""
    config = folder / "play.toml"
    config.write_text(UNLIMITED)
    with Served(folder, "--config", str(config)) as server:
        players = [asyncio.create_task(poll(server.port, seconds)) for _ in range(PLAYERS)]
        return statistics.mean(await asyncio.gather(*players)) / seconds


async def poll(port: int, seconds: float) -> int:
    """Play for ``seconds`` by polling; return how many bytes have come."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    came = 0

    async def ask(operation: str, fields: dict[str, object]) -> dict[str, object]:
        nonlocal came
        body = json.dumps(fields).encode()
        writer.write(b"POST /thywill/%b HTTP/1.1\r\nHost: 127.0.0.1\r\n" % operation.encode())
        writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"\r\ncontent-length: ")[2].split(b"\r\n")[0])
        came += len(head) + length
        answer: dict[str, object] = json.loads(await reader.readexactly(length))
        return answer

    token = (await ask("connect", {"application": "game"}))["token"]
    cursor, until = 0, time.monotonic() + seconds
    while time.monotonic() < until:
        answer = await ask("poll", {"token": token, "cursor": cursor})
        messages = answer.get("messages")
        if isinstance(messages, list) and messages:
            cursor = messages[-1][0]
    writer.close()
    return came
