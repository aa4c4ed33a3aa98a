"""Tries every transport in every engine and prints the tables of the engines' README, in Markdown.

``python3 -m tests.browser.engines.table [ENGINE ...]``; without names, all engines that are installed.
"""

from __future__ import annotations

from tests.gate.entry import enter

if __name__ == "__main__":
    enter("tests.browser.engines.table")

import argparse
import datetime
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.browser.engines import foreign_site, scenario
from tests.browser.engines.base import TRANSPORTS, Engine
from tests.browser.engines.kinds import OPTIONAL, REQUIRED
from tests.browser.engines.scenario import AUTOMATIC, Times, steadily
from tests.browser.engines.wire import Talker
from tests.support.proxied import BUFFERING, Nginx
from tests.support.served import FORCIBLE, Served

Row = list[str]
CHOSEN = (*TRANSPORTS, "chosen", "connected", "message")
BUFFERED = ("chosen", "connected", "message", "chosen after")
ELSEWHERE = (*foreign_site.FORCED, "chosen")
VERSION = re.compile(r"(?:Chrome|Firefox)/([\d.]+)")
FAILED = "FAILED"


class Tried:
    """An engine and the rows of the tables about it."""

    def __init__(self, kind: type[Engine]) -> None:
        self._kind = kind
        self.stands_for = kind.stands_for
        self._engine = kind()
        self.direct = self.rows(self._try_directly, CHOSEN[:-3])
        self.elsewhere = self.rows(self._try_elsewhere, ELSEWHERE[:-1])[:-2]
        self.buffered = attempt(self._try_buffered, len(BUFFERED))
        self.name = f"{kind.name} {version(self._running())}".strip()
        self._engine.close()

    def rows(self, run: Callable[[str], Times], transports: Iterable[str]) -> Row:
        cells = [self._cell(run, transport) for transport in transports]
        return cells + attempt(lambda: described(run(AUTOMATIC)), 3)

    def _cell(self, run: Callable[[str], Times], transport: str) -> str:
        reason = self._kind.cannot.get(transport)
        if run == self._try_elsewhere:
            reason = reason or self._kind.cannot_elsewhere.get(transport)
        return reason or attempt(lambda: passed(run(transport)), 1)[0]

    def _running(self) -> Engine:
        if not self._engine.running:
            self._engine = self._kind()
        return self._engine

    def _try_directly(self, transport: str) -> Times:
        def trial(engine: Engine) -> Times:
            with (
                tempfile.TemporaryDirectory() as folder,
                Served(Path(folder), environment=FORCIBLE) as server,
            ):
                return scenario.run(engine, server, transport)

        return steadily(self._running, trial)

    def _try_elsewhere(self, transport: str) -> Times:
        def trial(engine: Engine) -> Times:
            with (
                tempfile.TemporaryDirectory() as folder,
                foreign_site.ForeignSite() as site,
                foreign_site.served_to(Path(folder), site) as server,
            ):
                return foreign_site.run(engine, server, site, transport)

        return steadily(self._running, trial)

    def _try_buffered(self) -> Row:
        with tempfile.TemporaryDirectory() as folder, Served(Path(folder), environment=FORCIBLE) as server:
            nginx = Nginx(Path(folder), server.port, BUFFERING)
            try:
                with Talker(server.port, scenario.ROOM) as other:
                    return settle(self._running(), f"{nginx.address}chat/", other)
            finally:
                nginx.stop()


def settle(engine: Engine, address: str, other: Talker) -> Row:
    """Let the page choose, and talk to it meanwhile."""
    begun = time.monotonic()
    engine.open(address)
    engine.wait_for(scenario.IN_ROOM)
    connected = time.monotonic() - begun
    message = scenario.first_message(engine, other)
    name: str = engine.wait_for(scenario.CARRIED, timeout=30)
    after = time.monotonic() - begun
    return [*described(Times(connected, message, name)), f"{after:.1f} s"]


def described(times: Times) -> Row:
    return [times.transport, f"{times.connected:.2f} s", f"{times.message * 1000:.0f} ms"]


def passed(_: Times) -> Row:
    return ["pass"]


def attempt(action: Callable[[], Row], width: int) -> Row:
    """Return the cells that ``action`` makes; on a failure the first says so."""
    try:
        return action()
    except Exception as error:  # the others are to be tried as well
        print(f"{type(error).__name__}: {error}"[:2000], file=sys.stderr)
        return [FAILED, *[""] * (width - 1)]


def version(engine: Engine) -> str:
    found = VERSION.search(str(engine.evaluate("navigator.userAgent")))
    return found[1].split(".")[0] if found and engine.name.isalpha() else ""


def table(columns: Iterable[str], rows: Iterable[Row]) -> str:
    head = ["engine", *columns]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python3 -m tests.browser.engines.table", description=__doc__)
    parser.add_argument("names", metavar="ENGINE", nargs="*", help="without any, all that are installed")
    names = parser.parse_args(arguments).names
    known = [kind.name for kind in (*REQUIRED, *OPTIONAL) if not kind.no_chat]
    if unknown := sorted(set(names) - set(known)):
        parser.error(f"no engine that can chat is called {', '.join(unknown)}; there are {', '.join(known)}")
    tried = []
    for kind in (*REQUIRED, *OPTIONAL):
        if (names and kind.name not in names) or kind.no_chat:
            continue
        try:
            tried.append(Tried(kind))
        except pytest.skip.Exception as missing:
            print(f"{kind.name}: {missing}", file=sys.stderr)
    print(f"Made on {datetime.date.today()}.\n\nOn the page of the server:\n")
    print(table(("stands for", *CHOSEN), ([each.name, each.stands_for, *each.direct] for each in tried)))
    print("\nBehind an nginx that buffers:\n")
    print(table(BUFFERED, ([each.name, *each.buffered] for each in tried)))
    print("\nOn a page of another origin:\n")
    print(table(ELSEWHERE, ([each.name, *each.elsewhere] for each in tried)))
    return any(FAILED in [*each.direct, *each.buffered, *each.elsewhere] for each in tried)
