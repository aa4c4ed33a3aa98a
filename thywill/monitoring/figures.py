"""The figures of one second, for the status page."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from thywill.core import probe
from thywill.core.measures import Measures
from thywill.monitoring.census import Count, QueueTotals
from thywill.monitoring.channels import ChannelRates
from thywill.monitoring.watch import Watch

MEGABYTE = 1024 * 1024
STATM = Path("/proc/self/statm")


class Figures:
    """Computes figures since the last call of ``take``; created when the first visitor opens the page.

    Args:
        watch: the running server.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._meter = watch.meter
        self._meter.delay.take_highest()
        self._meter.lag.take_highest()
        self._taken = time.monotonic()
        self._cpu = time.process_time()
        self._totals = self._sum_up()
        self._delays = self._meter.delay.sum, self._meter.delay.count
        self._channels = ChannelRates(watch)

    def stop(self) -> None:
        """Stop counting channels, since the last visitor has left."""
        self._channels.stop()

    async def take(self) -> dict[str, Any]:
        """Return the figures by name."""
        count = await self._watch.census.take()
        rates, seconds = self._rates()
        sums = [sum(column) for column in zip(*rates.values(), strict=True)] or [0.0, 0.0, 0.0]
        waiting = _all(count)
        return {
            "clients": sum(count.clients.values()),
            "connected": _in_state(count, "connected"),
            "sessions": self._watch.engine.directory.sessions,
            "channels": self._watch.engine.directory.channels,
            "connections": self._watch.connections(),
            "sends": round(sums[0], 1),
            "sent": round(sums[1], 1),
            "received": round(sums[2], 1),
            **self._delay(),
            "lag": _milliseconds(self._meter.lag.take_highest()),
            "worst_lag": _milliseconds(self._meter.worst_lag()),
            "memory": round(resident() / MEGABYTE, 1),
            "cpu": round(self._load(seconds) * 100, 1),
            "queued": waiting.messages,
            "queued_bytes": waiting.size,
            "fullest": waiting.most_messages,
            "applications": self._applications(count, rates),
            "channel_rates": self._channels.take(),
            "transports": _transports(count),
            "trouble": self._trouble(),
            "database": self._waiting_records(),
            "version": self._watch.version,
            "form": self._watch.server.form,
            "uptime": round(time.monotonic() - self._watch.begun),
            "draining": self._watch.engine.drain.began,
        }

    def _sum_up(self) -> dict[str, tuple[int, int, int]]:
        tallies = self._meter.applications.items()
        return {name: (tally.sends, tally.queued, tally.received) for name, tally in tallies}

    def _rates(self) -> tuple[dict[str, tuple[float, ...]], float]:
        before, self._totals = self._totals, self._sum_up()
        seconds = max(time.monotonic() - self._taken, 0.001)
        self._taken += seconds
        nothing = (0, 0, 0)
        rates = {
            name: tuple(
                (new - old) / seconds for new, old in zip(totals, before.get(name, nothing), strict=True)
            )
            for name, totals in self._totals.items()
        }
        return rates, seconds

    def _delay(self) -> dict[str, float | None]:
        before, delay = self._delays, self._meter.delay
        self._delays = delay.sum, delay.count
        measured = self._delays[1] - before[1]
        mean = (self._delays[0] - before[0]) / measured if measured else None
        highest = delay.take_highest()
        return {
            "delay": None if mean is None else _milliseconds(mean),
            "worst_delay": _milliseconds(highest) if measured else None,
        }

    def _load(self, seconds: float) -> float:
        before, self._cpu = self._cpu, time.process_time()
        return (self._cpu - before) / seconds

    def _applications(self, count: Count, rates: dict[str, tuple[float, ...]]) -> list[dict[str, Any]]:
        names = dict.fromkeys([*(name for name, _, _ in count.clients), *rates])
        return [
            {
                "name": name,
                "clients": sum(n for kind, n in count.clients.items() if kind[0] == name),
                "rates": [round(rate, 1) for rate in rates.get(name, (0.0, 0.0, 0.0))],
                "queued": count.waiting[name].messages,
                "fullest": count.waiting[name].most_messages,
            }
            for name in sorted(names)
        ]

    def _trouble(self) -> list[tuple[str, int]]:
        meter = self._meter
        found = [(f"dropped: {policy}", number) for policy, number in meter.dropped.items()]
        found += [("given up, as the log was full", meter.given_up)]
        found += [(f"disconnected: {reason} full", number) for reason, number in meter.disconnected.items()]
        refused = [(code, number) for code, number in meter.errors.items() if code != probe.COUNTED]
        found += [(f"refused: {code}", number) for code, number in refused]
        found += [(f"limited: {name}", number) for name, number in meter.limited.items()]
        return [(name, number) for name, number in found if number]

    def _waiting_records(self) -> float | None:
        measures = Measures()
        for part in self._watch.parts:
            part.measure(measures)
        waiting = measures.all.get("thywill_database_waiting_records")
        value = next(iter(waiting.values.values()), None) if waiting else None
        return value if isinstance(value, (int, float)) else None


def resident() -> int:
    """Return the resident memory of this process in bytes, or 0 if the system does not say."""
    try:
        return int(STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def _in_state(count: Count, state: str) -> int:
    return sum(number for kind, number in count.clients.items() if kind[1] == state)


def _transports(count: Count) -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for (_, _, transport), number in count.clients.items():
        found[transport or "none yet"] = found.get(transport or "none yet", 0) + number
    return sorted(found.items())


def _all(count: Count) -> QueueTotals:
    total = QueueTotals()
    for each in count.waiting.values():
        total.messages += each.messages
        total.size += each.size
        total.most_messages = max(total.most_messages, each.most_messages)
    return total


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)
