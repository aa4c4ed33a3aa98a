"""All clients of a row: Python's, and the browser client's in Node.js."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import msgspec

from tests.gate.environment import require
from tests.tools.audit.account import Account, Client
from tests.tools.audit.carriers import CARRIERS
from tests.tools.audit.page import Page
from tests.tools.audit.stock.page import StockPage

MAIN = Path(__file__).parent / "browser" / "main.js"
LINE_LIMIT = 64 * 1024 * 1024
STREAMS = ("longpoll", "xhr-streaming", "eventsource")

Make = Callable[[str, Callable[[], None]], Page | StockPage]
"""Makes a client with that label; the function is called when it is gone."""


class Seat(Protocol):
    """A place for one client at a time; when that is gone, the next one takes it."""

    label: str

    def move(self, rng: random.Random) -> None:
        """Change the transport."""

    def sleep(self, seconds: float, is_dead: bool) -> None:
        """Let the browser sleep; ``is_dead``: its connections break meanwhile."""

    def client(self) -> Client | None:
        """Return the account of the present client."""

    def describe(self) -> None:
        """Store the present state as text in ``description``, as soon as it is known."""

    description: str


class PythonSeat:
    """A seat for the Python client."""

    def __init__(self, label: str, make: Make) -> None:
        self.label = label
        self._make = make
        self._page: Page | StockPage | None = None
        self.description = ""
        self.is_closed = self.is_quiet = False

    def open(self) -> None:
        """Start a client."""
        if not self.is_closed:
            self._page = self._make(self.label, self.open)
            self._page.is_quiet = self.is_quiet
            self._page.open()

    def move(self, rng: random.Random) -> None:
        if self._page is not None:
            self._page.move(rng.choice(list(CARRIERS)))

    def sleep(self, seconds: float, is_dead: bool) -> None:
        if self._page is not None:
            asyncio.ensure_future(self._page.sleep(seconds, is_dead))

    def client(self) -> Client | None:
        return self._page.account if self._page is not None else None

    def describe(self) -> None:
        self.description = repr(self._page)

    def quiet(self) -> None:
        """Send nothing more."""
        self.is_quiet = True
        if self._page is not None:
            self._page.is_quiet = True

    def close(self) -> None:
        """End the client."""
        self.is_closed = True
        if self._page is not None:
            self._page.close()


class NodeSeat:
    """A seat for the browser client in Node.js, which reports what it sees."""

    def __init__(self, label: str, tell: Callable[..., None], account: Account) -> None:
        self.label = label
        self._tell = tell
        self._account = account
        self.description = ""
        self._client: Client | None = None
        self._clients: dict[str, Client] = {}

    def open(self, seed: int, mate: str) -> None:
        """Start a client, in the same browser as the page ``mate`` if there is one."""
        self._tell("open", label=self.label, seed=seed, mate=mate)

    def move(self, rng: random.Random) -> None:
        self._tell("move", label=self.label, name=rng.choice(STREAMS))

    def sleep(self, seconds: float, is_dead: bool) -> None:
        self._tell("sleep", label=self.label, seconds=seconds, dead=is_dead)

    def client(self) -> Client | None:
        return self._client

    def describe(self) -> None:
        self._tell("describe", label=self.label)

    def report(self, client_id: str | None, kind: str, values: list[Any]) -> None:
        """Handle one report."""
        account = self._account
        if kind == "open":
            self._client = self._clients[str(client_id)] = account.client(str(client_id))
            self._client.label = self.label
            return
        if kind == "described":
            self.description = f"{self.label} {values[0]}"
            return
        client = self._clients.get(str(client_id))
        if kind == "wrong" or client is None:
            account.note("wrong", f"{self.label}: {values}")
        elif kind == "m":
            account.received(client, *values)
        elif kind == "people":
            account.people(client, *values)
        elif kind in ("say", "call"):
            client.sent = values[0]
            client.calls += kind == "call"
        elif kind == "said":
            account.accepted(client, values[0])
        elif kind == "reply":
            account.replied(client, *values)
        elif kind == "gone":
            account.ended_for(client, *values)
        elif kind == "lost":
            account.dropped(client, values[0])


class Fleet:
    """All clients of a row.

    Args:
        account: is told of everything.
        seed: of every choice.
        pace: seconds between two messages of a client.
        haste: how much faster the clocks of the browser client run.
        kind: the Python client.
    """

    def __init__(
        self,
        account: Account,
        seed: str,
        pace: float,
        haste: float,
        kind: type[Page] | type[StockPage] = Page,
    ) -> None:
        self._kind = kind
        self._port = 0
        self._account = account
        self._seed = seed
        self._pace = pace
        self._haste = haste
        self._process: asyncio.subprocess.Process | None = None
        self._ready = asyncio.Event()
        self._reader: asyncio.Task[None] | None = None
        self._pythons: list[PythonSeat] = []
        self._nodes: dict[str, NodeSeat] = {}

    @property
    def seats(self) -> list[Seat]:
        """Every seat."""
        return [*self._pythons, *self._nodes.values()]

    async def open(self, port: int, server_port: int, pythons: int, nodes: int) -> None:
        """Start so many clients of each kind; two pages share a browser.

        Args:
            port: the network's.
            server_port: the server's own, from which Node.js gets the browser client.
        """
        self._port = port
        cookies: dict[str, str] = {}
        for index in range(pythons):
            cookies = {} if index % 2 == 0 else cookies
            seat = PythonSeat(f"python-{index}", self._maker(cookies))
            self._pythons.append(seat)
            seat.open()
        if nodes:
            await self._start_node(server_port)
        for index in range(nodes):
            node = NodeSeat(f"node-{index}", self._tell, self._account)
            self._nodes[node.label] = node
            mate = f"node-{index - 1}" if index % 2 else ""
            node.open(random.Random(f"{self._seed} {index}").getrandbits(31), mate)

    def _maker(self, cookies: dict[str, str]) -> Make:
        def make(label: str, on_gone: Callable[[], None]) -> Page | StockPage:
            rng = random.Random(f"{self._seed} {label}")
            return self._kind(label, self._port, cookies, self._account, rng, self._pace, on_gone)

        return make

    async def _start_node(self, server_port: int) -> None:
        node = require("node", "nodejs")
        options = {
            "address": f"http://127.0.0.1:{self._port}/",
            "script": f"http://127.0.0.1:{server_port}/static/0/client.js",
            "haste": self._haste,
            "pace": self._pace,
        }
        self._process = await asyncio.create_subprocess_exec(
            node,
            str(MAIN),
            json.dumps(options),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=LINE_LIMIT,
        )
        self._reader = asyncio.ensure_future(self._read())
        await asyncio.wait_for(self._ready.wait(), 120)

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        decode = msgspec.json.decode
        while line := await self._process.stdout.readline():
            for label, client_id, kind, *values in decode(line):
                if kind == "ready":
                    self._ready.set()
                else:
                    self._nodes[label].report(client_id, kind, values)

    def _tell(self, command: str, **fields: Any) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **fields}).encode() + b"\n")

    def quiet(self) -> None:
        """Stop all clients from sending more."""
        for seat in self._pythons:
            seat.quiet()
        if self._process is not None:
            self._tell("quiet")

    def waiting(self) -> list[Seat]:
        """Return the seats for which something is outstanding."""
        return [
            seat
            for seat in self.seats
            if (client := seat.client()) is None or not self._account.is_settled(client)
        ]

    async def close(self) -> None:
        """End all clients."""
        for seat in self._pythons:
            seat.close()
        if self._process is not None and self._process.returncode is None:
            self._tell("close")
            try:
                await asyncio.wait_for(self._process.wait(), 5)
            except TimeoutError:
                self._process.kill()
                await self._process.wait()
        if self._reader is not None:
            await self._reader
