"""What an application on sockjs-client is: no acknowledgements, and a new session after each close."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Callable

from tests.tools.audit.account import Account, Client
from tests.tools.audit.wire import Line

RECONNECT = 0.5


class Closed(Exception):
    """The session is over; sockjs-client calls ``onclose``."""


class StockPage:
    """One page with session after session; the arguments are those of ``tests.tools.audit.page.Page``."""

    def __init__(
        self,
        label: str,
        port: int,
        cookies: dict[str, str],
        account: Account,
        rng: random.Random,
        pace: float,
        on_gone: Callable[[], None],
    ) -> None:
        self.label = label
        self.account: Client | None = None
        self.is_quiet = False
        self._ledger = account
        self._rng = rng
        self._pace = pace
        self._is_streaming = rng.random() < 0.5
        self._base = ""
        self._is_open = False
        self._awake = asyncio.Event()
        self._awake.set()
        self._lines = [Line(port, label, {}, self._awake.wait) for _ in range(2)]
        self._task: asyncio.Task[None] | None = None

    def open(self) -> None:
        """Connect and begin."""
        self._task = asyncio.ensure_future(self._live())

    async def _live(self) -> None:
        while True:
            self._base = f"/echo/000/{self._rng.getrandbits(64):x}"
            work = [asyncio.ensure_future(each) for each in (self._receive(), self._send())]
            try:
                await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for each in work:
                    each.cancel()
                await asyncio.gather(*work, return_exceptions=True)
            for line in self._lines:
                line.close()
            if self._is_open:
                self._ledger.told["closed"] += 1
            self._is_open = False
            await self._awake.wait()
            await asyncio.sleep(self._rng.uniform(0, RECONNECT))

    async def _receive(self) -> None:
        while True:
            if self._is_streaming:
                await self._read_stream()
            else:
                status, body = await self._lines[0].ask(f"{self._base}/xhr", b"", None)
                if status != 200:
                    raise Closed
                self._take(body.rstrip(b"\n"))

    async def _read_stream(self) -> None:
        rest = b""
        async for chunk in self._lines[0].stream("POST", f"{self._base}/xhr_streaming"):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                self._take(line)

    def _take(self, frame: bytes) -> None:
        kind = frame[:1]
        if kind == b"o":
            self._is_open = True
            if self.account is None:
                self.account = self._ledger.client(self._base.rpartition("/")[2])
                self.account.label = self.label
        elif kind == b"c":
            raise Closed
        elif kind == b"a" and self.account is not None:
            for text in json.loads(frame[1:]):
                stream, run, n, sent = json.loads(text)[:4]
                self._ledger.received(self.account, stream, run, n, time.monotonic() - sent)

    async def _send(self) -> None:
        while True:
            await asyncio.sleep(self._rng.uniform(0, 2 * self._pace))
            await self._awake.wait()
            if self.account is None or not self._is_open or self.is_quiet:
                continue
            self.account.sent += 1
            body = json.dumps([json.dumps(["up", self.account.sent, self.account.id])]).encode()
            status, _ = await self._lines[1].ask(f"{self._base}/xhr_send", body, None)
            if status not in (200, 204):
                raise Closed

    def move(self, name: str) -> None:
        """sockjs-client keeps its transport."""

    async def sleep(self, seconds: float, is_dead: bool) -> None:
        """Do nothing for a while; ``is_dead``: the connections break meanwhile."""
        self._awake.clear()
        if is_dead:
            for line in self._lines:
                line.close()
        await asyncio.sleep(seconds)
        self._awake.set()

    def close(self) -> None:
        """End."""
        if self._task is not None:
            self._task.cancel()
