"""Decides which servers a parent starts and stops, and when: ``run.py --processes N`` without its I/O.

There are N *slots*, and each should have one server. A server is one process in one of three phases:

    STARTING ──ready──▶ READY ──drain──▶ DRAINING ──▶ it ends
        └───────────────drain───────────────┘

The parent reports what happens (``started``, ``ready``, ``ended``, ``restart``, ``stop``), and then carries
out ``orders``. An example with two slots, times in seconds:

     0.0  begin               start 1. It migrates the database, so the others wait for it
     0.5  ready(1)            start 2
     9.0  ended(2)            start 2 again after 1 s; if it goes on ending, after 2 s, 4 s, … 30 s; after a
                              good minute, 1 s again
    20.0  restart (SIGHUP)    start a second server in slot 1, the replacement
    20.6  ready(replacement)  drain the old server of slot 1
    21.0  ended(old)          start a replacement in slot 2, and so on

So at least N - 1 servers are ready during a restart. If a replacement ends before it is ready, the restart
stops, and the running servers go on.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

FIRST_DELAY = 1.0
LONGEST_DELAY = 30.0
"""Seconds until an ended server is started again: the first delay, and the longest after repeated ends."""
STABLE_AFTER = 60.0
"""If a server was ready for so many seconds, its end counts as the first one again."""
START_TIMEOUT = 60.0
"""Seconds that a replacement has to become ready."""
CANNOT_START = 2
"""The exit status of a server that cannot start with its settings. If the first server ends with it, the
service stops."""
NO_PROCESS = 0
"""Stands for the process id of a server that could not be started."""


class Phase(Enum):
    """The phase of a server."""

    STARTING = "starting"
    READY = "ready"
    DRAINING = "draining"


MOVES: dict[Phase, set[Phase]] = {
    Phase.STARTING: {Phase.READY, Phase.DRAINING},
    Phase.READY: {Phase.DRAINING},
    Phase.DRAINING: set(),
}
"""Which phases may follow each phase."""


@dataclass(slots=True)
class Child:
    """One process that serves.

    Args:
        slot: its slot, from 1 on.
        process: its process id.
        phase: its phase.
        since: when the phase began.
        deadline: when it is killed if it is still in this phase; None for never.
    """

    slot: int
    process: int
    phase: Phase
    since: float
    deadline: float | None = None

    @property
    def is_ready(self) -> bool:
        """Whether it accepts connections."""
        return self.phase is Phase.READY

    @property
    def is_draining(self) -> bool:
        """Whether it is about to end."""
        return self.phase is Phase.DRAINING

    def move(self, phase: Phase, now: float, deadline: float | None = None) -> None:
        """Go on to ``phase``; nothing happens if the table does not allow that."""
        if phase in MOVES[self.phase]:
            self.phase, self.since, self.deadline = phase, now, deadline


class Action(Enum):
    """The kinds of orders for the parent."""

    START = "start a server"
    DRAIN = "send it SIGTERM"
    KILL = "send it SIGKILL"


class Order(NamedTuple):
    """An action for the parent; ``number`` is a slot for START, and a process id otherwise."""

    action: Action
    number: int


class LogLine(NamedTuple):
    """A line for the log."""

    level: int
    text: str


class Slots:
    """The table of slots and servers. Times are seconds of a monotonic clock.

    Args:
        count: how many slots there are.
        patience: seconds that a drained server has to end before it is killed.

    ``lines`` collects lines for the log; the parent writes and removes them.
    """

    def __init__(self, count: int, patience: float) -> None:
        self.count = count
        self.servers: dict[int, Child] = {}
        self.lines: list[LogLine] = []
        self.stopping = False
        self.worst = 0
        self._patience = patience
        self._due: dict[int, float] = {}
        self._delays: dict[int, float] = {}
        self._orders: list[Order] = []
        self._alone = True
        self._target = count
        self._roll: deque[int] | None = None
        self._replacing: int | None = None
        self._replacement: int | None = None

    # Questions of the parent.

    @property
    def over(self) -> bool:
        """Whether the parent has nothing left to do."""
        return self.stopping and not self.servers

    @property
    def rolling(self) -> bool:
        """Whether a restart is in progress."""
        return self._roll is not None

    @property
    def all_ready(self) -> bool:
        """Whether every slot has a server that is ready."""
        ready = {server.slot for server in self.servers.values() if server.is_ready}
        return ready >= set(range(1, self.count + 1))

    def alive(self, slot: int) -> Iterator[Child]:
        """Yield the servers of ``slot`` that are not draining."""
        for server in self.servers.values():
            if server.slot == slot and not server.is_draining:
                yield server

    def deadline(self) -> float | None:
        """Return when ``orders`` has to be called even if nothing happens before; None for never."""
        ends = [server.deadline for server in self.servers.values() if server.deadline is not None]
        return min([*ends, *self._due.values()], default=None)

    def orders(self, now: float) -> list[Order]:
        """Return the orders for now; the parent carries out all of them, in this order."""
        self._kill_late(now)
        if not self.stopping:
            self._go_on_rolling(now)
            self._start_due(now)
        orders, self._orders = self._orders, []
        return orders

    # Reports of the parent.

    def begin(self, now: float) -> None:
        """Begin with the first server; the others follow when it is ready or has ended."""
        self._due[1] = now

    def started(self, slot: int, process: int, now: float) -> None:
        """A server for ``slot`` was started; ``process`` is its process id."""
        replaces = self._replacing == slot and self._replacement is None
        if replaces:
            self._replacement = process
        self.servers[process] = Child(
            slot, process, Phase.STARTING, now, now + START_TIMEOUT if replaces else None
        )

    def ready(self, process: int, now: float) -> None:
        """The server accepts connections."""
        server = self.servers.get(process)
        if server is None or server.phase is not Phase.STARTING:
            return
        server.move(Phase.READY, now)
        self._start_others(now)
        if process == self._replacement:
            self.count = max(self.count, server.slot)
            self._replacing = self._replacement = None
            self._drain_slot(server.slot, now, but=server)

    def ended(self, process: int, status: int, now: float) -> None:
        """A process has ended.

        Args:
            process: its process id.
            status: its exit status, or the negative number of the signal that killed it.
            now: the time, in seconds.
        """
        server = self.servers.pop(process, None)
        if server is None:
            return
        if self.stopping:
            self.worst = max(self.worst, status if status >= 0 else 128 - status)
        elif self._alone and status == CANNOT_START:
            self.stop(now)
            self.worst = status
        elif not server.is_draining:
            self._lose(server, _how(status), now)

    def not_started(self, slot: int, reason: str, now: float) -> None:
        """No server could be started for ``slot``."""
        self._lose(Child(slot, NO_PROCESS, Phase.STARTING, now), f"cannot be started: {reason}", now)

    def restart(self, count: int) -> None:
        """Replace every server by a new one, one slot at a time; after that there are ``count`` slots.

        A restart in progress begins anew, since the settings may have changed again.
        """
        self._target = count
        self._roll = deque(range(1, count + 1))
        self._log(logging.INFO, f"restarting {count} servers, one at a time")

    def stop(self, now: float) -> None:
        """Drain all servers, and start no more."""
        self.stopping = True
        self._roll = None
        self._due.clear()
        for server in self.servers.values():
            self._drain(server, now)

    # Starting and stopping.

    def _log(self, level: int, text: str) -> None:
        self.lines.append(LogLine(level, text))

    def _order(self, action: Action, number: int) -> None:
        self._orders.append(Order(action, number))

    def _start_others(self, now: float) -> None:
        if self._alone:
            self._alone = False
            self._due.update(dict.fromkeys(range(2, self.count + 1), now))

    def _start_due(self, now: float) -> None:
        for slot in sorted(slot for slot, due in self._due.items() if due <= now):
            del self._due[slot]
            self._order(Action.START, slot)

    def _lose(self, server: Child, how: str, now: float) -> None:
        self._start_others(now)
        if server.slot == self._replacing and server.process == (self._replacement or NO_PROCESS):
            self._stop_rolling(f"the new {self._named(server)} {how} before it was ready")
        if server.slot > self.count:
            return
        if any(self.alive(server.slot)):
            then = "another one is in its slot"
        else:
            then = f"starting it again in {self._start_later(server, now):g} s"
        self._log(logging.ERROR, f"{self._named(server)} {how}; {then}")

    def _start_later(self, server: Child, now: float) -> float:
        was_good = server.is_ready and now - server.since >= STABLE_AFTER
        before = 0.0 if was_good else self._delays.get(server.slot, 0.0)
        delay = self._delays[server.slot] = min(max(2 * before, FIRST_DELAY), LONGEST_DELAY)
        self._due[server.slot] = now + delay
        return delay

    def _drain(self, server: Child, now: float) -> None:
        if not server.is_draining:
            server.move(Phase.DRAINING, now, now + self._patience)
            self._order(Action.DRAIN, server.process)

    def _drain_slot(self, slot: int, now: float, but: Child | None = None) -> None:
        for server in [each for each in self.alive(slot) if each is not but]:
            self._drain(server, now)

    def _kill_late(self, now: float) -> None:
        for server in self.servers.values():
            if server.deadline is not None and server.deadline <= now:
                server.deadline = None
                what = "ended" if server.is_draining else "become ready"
                text = f"{self._named(server)} has not {what} in {now - server.since:.0f} s: killing it"
                self._log(logging.ERROR, text)
                self._order(Action.KILL, server.process)

    # The restart.

    def _go_on_rolling(self, now: float) -> None:
        if self._roll is None or self._replacing is not None or self._is_draining():
            return
        if self._roll:
            self._replacing = slot = self._roll.popleft()
            self._due.pop(slot, None)
            self._order(Action.START, slot)
        elif self.count > self._target:
            self._leave_slot(self.count, now)
        else:
            self._roll = None
            self._log(logging.INFO, f"restarted: {self.count} servers are ready")

    def _is_draining(self) -> bool:
        return any(server.is_draining for server in self.servers.values())

    def _leave_slot(self, slot: int, now: float) -> None:
        self.count = slot - 1
        self._due.pop(slot, None)
        self._drain_slot(slot, now)

    def _stop_rolling(self, reason: str) -> None:
        self._roll = self._replacing = self._replacement = None
        text = f"the restart stops, and the servers that run go on: {reason}"
        self._log(logging.ERROR, text)

    def _named(self, server: Child) -> str:
        return f"server {server.slot} of {max(self.count, server.slot)} ({server.process})"


def _how(status: int) -> str:
    return f"ended with status {status}" if status >= 0 else f"was killed by signal {-status}"
