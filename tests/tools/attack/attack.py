"""One attack: a fresh server, well-behaved clients, then a flood beside them, then a while of rest."""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.gate.environment import ROOT
from tests.tools.attack.crowd import Crowd
from tests.tools.attack.target import Processor, Target

GOOD, BAD = "127.0.0.1", "127.0.0.2"
"""Well-behaved clients come from the first address, floods from the second."""
WARM_UP = 0.5
BACK = 10.0
"""Megabytes above those before the flood at which the memory counts as back."""
LOOK = 0.5
"""Seconds between two looks at it."""
GRACE = 60.0
"""Seconds that a flood may need beside its own time, before it is ended."""


@dataclass(frozen=True, slots=True)
class Times:
    """How long each part of an attack takes, in seconds; ``after`` at most, until the memory is back."""

    before: float = 2.0
    flood: float = 4.0
    after: float = 60.0


@dataclass(frozen=True, slots=True)
class Result:
    """What one attack has shown; delays are in milliseconds, memory is in megabytes.

    ``refused`` are the well-behaved clients that were, in all; ``requests`` those of the flood, each second.
    ``rest`` are the seconds until the memory was back. ``processor`` are parts of the flood's time: for which
    the server ran, for which it waited for a processor, and for which the well-behaved clients did.
    """

    flood: str
    way: str
    before: tuple[float, float]
    during: tuple[float, float]
    memory: tuple[float, float, float]
    refused: int
    requests: float
    reasons: tuple[str, ...] = ()
    rest: float = 0.0
    processor: tuple[float, float, float] = (0.0, 0.0, 0.0)


def middle_and_tail(delays: list[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile in milliseconds; infinity where nothing arrived."""
    if len(delays) < 2:
        return float("inf"), float("inf")
    parts = statistics.quantiles(delays, n=100)
    return parts[49] * 1000, parts[98] * 1000


async def attack(root: Path, name: str, times: Times, *, through_nginx: bool) -> Result:
    """Attack a server of the checkout ``root``; nothing of it is left."""
    with (
        tempfile.TemporaryDirectory(prefix="attack-") as folder,
        Target(root, Path(folder), through_nginx=through_nginx) as target,
    ):
        crowd = Crowd(target.port)
        await crowd.start()
        await asyncio.sleep(WARM_UP)
        before, refused = await crowd.measure(times.before)
        memory = target.memory
        highest = Highest(target)
        server, clients = target.processor(), Processor.of("self")
        during, refused_then, requests = await _flood(crowd, name, target.port, times.flood)
        processor = (
            *target.processor().since(server, times.flood),
            Processor.of("self").since(clients, times.flood)[1],
        )
        await highest.stop()
        rest, refused_after = await _rest(crowd, target, memory + BACK, times.after)
        last = target.memory
        await crowd.stop()
        all_refused = [*refused, *refused_then, *refused_after]
    return Result(
        flood=name,
        way="nginx" if through_nginx else "direct",
        before=middle_and_tail(before),
        during=middle_and_tail(during),
        memory=(memory, max(highest.megabytes, last), last),
        refused=len(all_refused),
        requests=requests / times.flood,
        reasons=tuple(sorted(set(all_refused)))[:3],
        rest=rest,
        processor=processor,
    )


async def _rest(crowd: Crowd, target: Target, memory: float, most: float) -> tuple[float, list[str]]:
    """Wait until the memory is back; return the seconds, which may be infinite, and who was refused."""
    began, refused = time.monotonic(), []
    while time.monotonic() - began < most:
        refused += (await crowd.measure(LOOK))[1]
        if target.memory <= memory:
            return time.monotonic() - began, refused
    return float("inf"), refused


async def _flood(crowd: Crowd, name: str, port: int, seconds: float) -> tuple[list[float], list[str], int]:
    command = [sys.executable, "-m", "tests.tools.attack.floods", name, str(port), BAD, str(seconds)]
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    try:
        begun = await asyncio.wait_for(process.stdout.readline(), GRACE)
        assert begun == b"begun\n", f"the flood {name!r} does not begin"
        during, refused = await crowd.measure(seconds)
        async with asyncio.timeout(GRACE):
            requests = int(await process.stdout.readline() or 0)
            await process.wait()
    except TimeoutError:
        requests = 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return during, refused, requests


class Highest:
    """Watches the memory of ``target``."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._task = asyncio.ensure_future(self._watch())
        self.megabytes = 0.0

    async def _watch(self) -> None:
        while True:
            self.megabytes = max(self.megabytes, self._target.memory)
            await asyncio.sleep(0.1)

    async def stop(self) -> None:
        """Watch no longer."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task


def as_fields(result: Result) -> dict[str, Any]:
    """Return a result as it is written into a file."""
    return {name: getattr(result, name) for name in Result.__dataclass_fields__}
