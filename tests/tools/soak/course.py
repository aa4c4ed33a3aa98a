"""The course of a soak: warm up, count, let clients come and go, wait until nothing is due, count again."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.support.wire import request
from tests.tools.soak.browsers import BEHAVIOURS, Behaviour, Browser, Link

AT_ONCE = 600
SECONDS_EACH = 0.04
"""Seconds that one browser may take, of which hundreds run at once; more is a server that hangs."""
QUIET_SECONDS = 40.0
"""In which everything has to be due: the longest time in the settings is ten times shorter."""
MEMORY = 20_000_000
"""Bytes by which the process may differ: what the busiest moment leaves in the allocator, whatever the size
of the course; a leak shows in ``BLOCKS`` and ``OBJECTS``."""
OBJECTS = 1000
"""Objects by which it may differ: caches that have a bound, and what is under way when it is counted."""
BLOCKS = 5000
"""Pieces of memory by which what Python has allocated may differ: strings and numbers, too."""
CUT_SHORT = "is cut short"
"""What is counted of browsers that could not do as they meant to."""
OWN = 3
"""Deadlines that the connection which asks may have in the wheel."""


@dataclass
class Outcome:
    """What was counted before and after.

    Args:
        size: how many browsers there were between the two.
        seconds: how long they took.
        before, after: the counters.
        done: how many browsers did what.
    """

    size: int
    seconds: float
    before: dict[str, Any]
    after: dict[str, Any]
    done: Counter[str] = field(default_factory=Counter)

    def left(self) -> dict[str, int]:
        """Return the counters that grew by more than they may."""
        allowed = {"memory": MEMORY, "objects": OBJECTS, "blocks": BLOCKS, "http wheel": OWN}
        return {
            name: self.after[name] - self.before[name]
            for name in self.after
            if name != "types" and self.after[name] - self.before[name] > allowed.get(name, 0)
        }

    def grown(self) -> list[tuple[str, int]]:
        """Return the types of which there are more objects than before, with how many more."""
        more = Counter(self.after["types"])
        more.subtract(self.before["types"])
        return [(name, number) for name, number in more.most_common(10) if number > 0]

    def report(self) -> Iterator[str]:
        """Yield the lines of a report."""
        yield f"{self.size} browsers in {self.seconds:.0f} s"
        for name, number in self.done.most_common():
            yield f"  {number:7} {name.replace('_', ' ')}"
        yield f"{'':20}{'before':>12}{'after':>12}"
        for name, before in self.before.items():
            if name != "types":
                yield f"{name:20}{before:12}{self.after[name]:12}"
        yield f"more objects than before: {self.grown() or 'none'}"
        yield f"left over: {self.left() or 'nothing'}"


class Course:
    """A soak of one server.

    Args:
        port: the server's.
        seed: decides who does what.
    """

    def __init__(self, port: int, seed: int) -> None:
        self._port = port
        self._chance = random.Random(seed)
        self._behaviours: list[Behaviour] = list(BEHAVIOURS)
        self._weights = list(BEHAVIOURS.values())
        self._done: Counter[str] = Counter()

    async def run(self, size: int, warm_up: int) -> Outcome:
        """Let ``size`` browsers come and go, after ``warm_up`` others, and return what is left of them."""
        await self._crowd(warm_up)
        before = await self._quiet(None)
        self._done.clear()
        begin = time.monotonic()
        await self._crowd(size)
        seconds = time.monotonic() - begin
        after = await self._quiet(before)
        return Outcome(size, seconds, before, after, self._done)

    async def _crowd(self, size: int) -> None:
        remaining = iter(range(size))
        deadline = time.monotonic() + size * SECONDS_EACH + QUIET_SECONDS

        async def visit() -> None:
            for _ in remaining:
                # A time-out may swallow that this task is cancelled (Python 3.11), so it looks at the clock.
                if time.monotonic() > deadline:
                    raise TimeoutError("the browsers take too long")
                await self._visit()

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(visit())

    async def _visit(self) -> None:
        (behaviour,) = self._chance.choices(self._behaviours, self._weights)
        name = behaviour.__name__
        try:
            await behaviour(Browser(self._port, self._chance))
        except (OSError, EOFError):  # on a busy machine it was too slow for the times in the settings
            name = CUT_SHORT
        self._done[name] += 1

    async def _quiet(self, before: dict[str, Any] | None) -> dict[str, Any]:
        """Return the counters once they are down again, or after a time limit."""
        deadline = time.monotonic() + QUIET_SECONDS
        link = Link(*await asyncio.open_connection("127.0.0.1", self._port))
        while True:
            await asyncio.sleep(1)
            link.write(request("/soak/counters"))
            counters: dict[str, Any] = json.loads(await link.answer())
            assert "error" not in counters, counters
            if _is_down(counters, before) or time.monotonic() > deadline:
                link.close()
                return counters


def _is_down(counters: dict[str, Any], before: dict[str, Any] | None) -> bool:
    if before is not None:
        return set(Outcome(0, 0, before, counters).left()) <= {"memory"}
    # Closed connections stay in the wheel until they would have been looked at next.
    waiting = counters["hub wheel"] + counters["sockjs wheel"] + counters["unwritten"] + counters["mailboxes"]
    return bool(waiting == 0 and counters["connections"] == 1 and counters["http wheel"] <= OWN)
