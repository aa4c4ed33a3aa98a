"""Computes figures, such as rates and means, from the differences of counters."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from thywill import Totals

MEGABYTE = 1024 * 1024
STATM = Path("/proc/self/statm")


class Chart(NamedTuple):
    """A chart: the name and the unit of one figure."""

    name: str
    unit: str


CHARTS = (
    Chart("Messages to pages", "per second"),
    Chart("Delay of a message", "ms"),
    Chart("Open pages", ""),
    Chart("Taps", "per second"),
    Chart("Processor", "%"),
    Chart("Memory", "MB"),
    Chart("Lateness of the loop", "ms"),
)
"""The charts, in the order of the values that ``Figures.take`` returns."""


class Moment(NamedTuple):
    """The counters at one moment.

    Args:
        at: seconds of the monotonic clock.
        processor: seconds of processor time that this process has used.
        totals: the counters of the server.
    """

    at: float
    processor: float
    totals: Totals


class Figures:
    """Computes the figures.

    Args:
        totals: returns the counters of the server.
        monotonic: the clock, in seconds.
        processor: returns the seconds of processor time that this process has used.
    """

    def __init__(
        self,
        totals: Callable[[], Totals],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.process_time,
    ) -> None:
        self._totals = totals
        self._monotonic = monotonic
        self._processor = processor
        self._last = self._now()

    def take(self, taps: int) -> list[float | None]:
        """Return the values since the last call, one for each of ``CHARTS``; None if nothing was measured.

        Args:
            taps: how often people have tapped since the last call.
        """
        before, now = self._last, self._now()
        self._last = now
        seconds = max(now.at - before.at, 0.001)
        old, new = before.totals, now.totals
        memory = resident()
        return [
            round((new.sent - old.sent) / seconds, 1),
            _mean(new.delay - old.delay, new.delays - old.delays),
            new.clients,
            round(taps / seconds, 1),
            round((now.processor - before.processor) / seconds * 100, 1),
            round(memory / MEGABYTE, 1) if memory else None,
            _mean(new.lag - old.lag, new.lags - old.lags),
        ]

    def _now(self) -> Moment:
        return Moment(self._monotonic(), self._processor(), self._totals())


def resident() -> int:
    """Return the resident memory of this process in bytes, or 0 if the system does not say."""
    try:
        return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _mean(seconds: float, count: int) -> float | None:
    """Return a mean in milliseconds."""
    return round(seconds / count * 1000, 2) if count else None
