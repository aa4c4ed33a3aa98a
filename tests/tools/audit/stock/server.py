"""Serves sockjs-tornado as it comes, with an echo that journals: ``server.py --port 8081``.

Its journal is that of ``tests/tools/audit/ledger``; a page is known by its first session. Broadcasts go to
every session that is open.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from sockjs.tornado import SockJSConnection, SockJSRouter
from tornado.web import Application

TICK = 0.05
RUN = format(int(time.monotonic() * 100), "x")


class Ledger:
    """Numbers what is sent, and journals it."""

    def __init__(self, journal: int) -> None:
        self._journal = journal
        self._numbers: Counter[str] = Counter()
        self.open: set[Echo] = set()
        self.note("S", RUN)

    def note(self, *words: object) -> None:
        os.write(self._journal, (" ".join(map(str, words)) + "\n").encode())

    def joined(self, session: str) -> None:
        since = {"all": self._numbers["all"], f"e:{session}": 0}
        self.note("C", RUN, session, json.dumps(since, separators=(",", ":")))

    def send(self, stream: str, connections: Iterable[Echo], count: int) -> None:
        """Send so many messages to the ``connections``."""
        first = self._numbers[stream] + 1
        last = self._numbers[stream] = first + count - 1
        self.note("B", RUN, stream, last)
        for n in range(first, last + 1):
            text = json.dumps([stream, RUN, n, round(time.monotonic(), 3)])
            for connection in connections:
                connection.send(text)
        self.note("R", RUN, stream, first, last)


class Echo(SockJSConnection):  # type: ignore[misc]
    """One session."""

    def __init__(self, session: Any, ledger: Ledger) -> None:
        super().__init__(session)
        self._ledger = ledger

    def on_open(self, request: Any) -> None:
        self._ledger.open.add(self)
        self._ledger.joined(self.session.session_id)

    def on_message(self, message: str) -> None:
        _, n, page = json.loads(message)
        self._ledger.note("h", RUN, page, n)
        self._ledger.send(f"e:{page}", [self], 1)
        self._ledger.note("H", RUN, page, n, time.monotonic())

    def on_close(self) -> None:
        self._ledger.open.discard(self)


async def pump(ledger: Ledger, control: Path) -> None:
    chance, owed = random.Random(RUN), 0.0
    while True:
        await asyncio.sleep(TICK)
        try:
            rate = json.loads(control.read_bytes())["publish"]  # noqa: ASYNC240 - a few bytes in memory
        except FileNotFoundError:
            continue
        owed += rate * chance.choice((0, 1, 1, 2))
        count, owed = int(owed), owed % 1
        if count:
            ledger.send("all", list(ledger.open), count)


async def serve(port: int) -> None:
    ledger = Ledger(os.open(os.environ["AUDIT_JOURNAL"], os.O_WRONLY))
    make: Callable[[Any], Echo] = lambda session: Echo(session, ledger)  # noqa: E731 - the router calls it
    Application(SockJSRouter(make, "/echo").urls).listen(port, "127.0.0.1")
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    pumping = asyncio.ensure_future(pump(ledger, Path(os.environ["AUDIT_CONTROL"])))
    print(f"sockjs-tornado serves on http://127.0.0.1:{port}/echo", flush=True)
    await stopped.wait()
    pumping.cancel()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--port", type=int, default=8081)
    asyncio.run(serve(parser.parse_args().port))
