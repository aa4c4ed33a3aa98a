"""Runs one row of the table: a server, a network, clients and a fault; then accounts for all messages."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.gate.environment import ROOT
from tests.tools.audit.account import Account
from tests.tools.audit.cluster import Cluster
from tests.tools.audit.faults import Stage, Weather
from tests.tools.audit.fleet import Fleet, Seat
from tests.tools.audit.journal import Journal
from tests.tools.audit.ledger import TICK
from tests.tools.audit.network import Network, clean
from tests.tools.audit.page import Page
from tests.tools.audit.rows import CLUSTER, Row
from tests.tools.audit.server import Place, Server
from tests.tools.audit.stock.page import StockPage

CONNECT_SECONDS = 120.0
STOCK = "stock"
STOCK_SERVER = Path(__file__).parent / "stock" / "server.py"
STOCK_SETTLE_SECONDS = 6.0
STALL = 60.0
"""Seconds without a message after which a row is cut short."""


@dataclass(frozen=True)
class Scale:
    """How much of everything.

    Args:
        clients: how many, of both kinds.
        browsers: the part of them that is the browser client in Node.js.
        messages: after so many the fault ends.
        seconds: about how long that is to take.
        haste: how much faster the browser client's clock runs, so that its time-outs come sooner.
        pace: seconds between two messages of one client.
        settle: seconds in which everything has to arrive after the fault.
        stretch: how many times ``seconds`` it may take on a slow machine.
    """

    clients: int = 60
    browsers: float = 0.5
    messages: int = 60_000
    seconds: float = 25.0
    haste: float = 4.0
    pace: float = 0.5
    settle: float = 60.0
    stretch: float = 2.0


@dataclass
class Outcome:
    """A row's result, in one run or more.

    Args:
        counts: the breaches, by kind.
        told: the clients that were told of a loss or of their end, by reason.
        worst: the longest time from the call that sent a message to the application in the browser.
    """

    name: str
    runs: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    clients: int = 0
    messages: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    worst: float = 0
    seconds: float = 0
    notes: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    def add(self, other: Outcome) -> None:
        """Add the results of other runs."""
        self.runs += other.runs
        self.faults += other.faults
        self.clients += other.clients
        self.messages += other.messages
        self.counts += other.counts
        self.told += other.told
        self.worst = max(self.worst, other.worst)
        self.seconds += other.seconds
        self.notes += other.notes
        self.examples += other.examples


class Audit:
    """One row, once.

    Args:
        row: what happens.
        queue: the queue component of the server, or "stock" for sockjs-tornado's own server.
        scale: how much of everything.
        seed: of every choice.
        folder: an empty folder for the server.
        root: the project that is audited.
        past: how many messages a channel keeps for clients that come late; 0 switches history, presence and
            the exclusion of clients off.
    """

    def __init__(
        self, row: Row, queue: str, scale: Scale, seed: str, folder: Path, root: Path = ROOT, past: int = 0
    ) -> None:
        self.is_stock = queue == STOCK
        self.row = row
        self.scale = scale
        self.seed = f"{seed} {row.name}"
        keeps = queue == "database"
        self.account = Account(may_forget=row.may_forget, keeps_past=keeps, is_whole=not past)
        self.notes: list[str] = []
        self._control = folder / "control.json"
        self._journal = Journal(folder / "journal", self.account)
        environment = {
            "AUDIT_JOURNAL": str(folder / "journal"),
            "AUDIT_CONTROL": str(self._control),
            "AUDIT_SEED": self.seed,
            "AUDIT_PAST": str(past),
        }
        command = (str(STOCK_SERVER),) if self.is_stock else ()
        place = Place(folder, root, row.settings(queue), environment, command)
        self.server = Cluster(place, self.seed, row.redises) if queue == CLUSTER else Server(place)
        self.network = Network(self.server.port_for, roams=queue == CLUSTER)
        self.fleet: Fleet | None = None

    async def run(self) -> Outcome:
        """Run the row and return its result."""
        begun = time.monotonic()
        scale = self.scale
        kind = StockPage if self.is_stock else Page
        self.fleet = Fleet(self.account, self.seed, scale.pace, scale.haste, kind)
        stage = Stage(self.server, self.network, [], random.Random(self.seed))
        stage.on_kill = self.account.was_killed
        try:
            await self.server.start()
            await self.network.start()
            await self._go_through(self.fleet, stage)
        finally:
            await self.fleet.close()
            self.network.stop()
            await self.server.stop()
            self._journal.close()
        self.account.close()
        self._remark()
        return self._outcome(stage, time.monotonic() - begun)

    def _outcome(self, stage: Stage, seconds: float) -> Outcome:
        account = self.account
        return Outcome(
            self.row.name,
            1,
            stage.done,
            sum(client.label != "" for client in account.clients.values()),
            account.messages,
            account.counts,
            account.told,
            account.worst,
            seconds,
            self.notes,
            account.examples,
        )

    async def _go_through(self, fleet: Fleet, stage: Stage) -> None:
        browsers = 0 if self.is_stock else round(self.scale.clients * self.scale.browsers)
        ports = self.network.port, self.server.port
        await fleet.open(*ports, self.scale.clients - browsers, browsers)
        await self._until(lambda: self._absent(fleet), CONNECT_SECONDS, "connect")
        stage.seats = fleet.seats
        self._publish()
        self.network.planner = Weather(self.row.wears, self.seed, stage.done)
        await self._suffer(stage)
        fleet.quiet()
        self._control.unlink()
        self.network.planner = clean
        if self.row.wears:
            self.network.drop_all()
        if not self.server.is_running:
            await self.server.start()
        await self._settle(fleet)
        # A message that was sent twice would arrive about now.
        await asyncio.sleep(0.3)

    async def _settle(self, fleet: Fleet) -> None:
        if self.is_stock:  # a stock server never delivers what it has lost
            await asyncio.sleep(STOCK_SETTLE_SECONDS)
        else:
            await self._until(fleet.waiting, self.scale.settle, "settle")

    async def _suffer(self, stage: Stage) -> None:
        events = [asyncio.ensure_future(event(stage)) for event in self.row.events]
        try:
            await self._until_enough(events)
        finally:
            for event in events:
                event.cancel()
            outcomes = await asyncio.gather(*events, return_exceptions=True)
        for outcome in outcomes:
            if isinstance(outcome, Exception):
                self.account.note("wrong", f"the fault itself failed: {outcome!r}")

    async def _until_enough(self, events: list[asyncio.Future[None]]) -> None:
        moved, count, limit = time.monotonic(), 0, time.monotonic() + self.scale.stretch * self.scale.seconds
        while self.account.messages < self.scale.messages and time.monotonic() < limit:
            await asyncio.sleep(0.05)
            if self.account.messages > count:
                moved, count = time.monotonic(), self.account.messages
            elif time.monotonic() - moved > STALL:
                self.notes.append(f"no message for {STALL:.0f} s")
                return
            if any(event.done() for event in events):
                return

    async def _until(self, waiting: Callable[[], list[Seat]], seconds: float, what: str) -> None:
        end = time.monotonic() + seconds
        while seats := waiting():
            if time.monotonic() > end:
                for seat in seats[:3]:
                    seat.describe()
                await asyncio.sleep(0.3)
                self.notes.append(f"{len(seats)} did not {what} in {seconds:.0f} s:")
                self.notes += [seat.description for seat in seats[:3]]
                return
            await asyncio.sleep(0.05)

    def _absent(self, fleet: Fleet) -> list[Seat]:
        return [s for s in fleet.seats if (client := s.client()) is None or client.joined is None]

    def _publish(self) -> None:
        """Tell the application how much to send, for about ``scale.messages`` in ``scale.seconds``."""
        scale = self.scale
        turn = scale.messages / scale.seconds * TICK
        direct, sessions = scale.clients // 20, scale.clients // 40
        rest = max(0.0, turn - (0 if self.is_stock else direct + 2 * sessions))
        control = {"direct": direct, "sessions": sessions, "publish": rest / scale.clients}
        self._control.write_text(json.dumps(control))

    def _remark(self) -> None:
        tracebacks = self.server.tracebacks()
        if tracebacks:
            self.notes.append(f"{tracebacks} tracebacks in the server's log")
        if self._journal.failures:
            self.notes.append(f"{self._journal.failures} calls that send failed")
        if self.account.again:
            self.notes.append(f"{self.account.again} hooks ran again: a kill came before their end was noted")
