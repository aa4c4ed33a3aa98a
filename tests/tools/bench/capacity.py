"""The table of capacity: what clients cost the server, nginx and the kernel, with and without nginx."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from typing import Any

from tests.tools.bench.front import NGINX, NONE, STREAM_TLS, THROUGH, TLS
from tests.tools.bench.plan import HOLD
from tests.tools.bench.table import Measured, grid, troubles, written

NAMES = {NONE: "nothing", NGINX: "nginx", TLS: "nginx with TLS", STREAM_TLS: "TLS alone (stream)"}
HERE = {NONE: 1 / 2, NGINX: 3 / 4, TLS: 3 / 6, STREAM_TLS: 3 / 6}
"""The part of all sockets that is the server's and nginx's, not the load generator's."""
MEMORY = {
    "server, KB": ("connect", "client_kb"),
    "nginx, KB": ("connect", "front_kb"),
    "kernel, KB": ("connect", "kernel_kb"),
}
CPU = {
    "at rest: server, % of a core": ("idle", "cpu_us"),
    "nginx, %": ("idle", "front_us"),
    "per delivery: server, µs": ("broadcast", "cpu_us"),
    "nginx, µs": ("broadcast", "front_us"),
    "99 of 100 within, ms": ("broadcast", "p99_ms"),
    "to connect: server, µs": ("connect", "cpu_us"),
    "nginx, µs ": ("connect", "front_us"),
}


def render(measured: Measured) -> str:
    """Return the tables of the trials of the row, as Markdown."""
    text = grid(("memory per client, through", "clients", *MEMORY, "in all, MB"), memory_rows(measured))
    text += "\n" + grid(("CPU, through", "clients", *CPU), cpu_rows(measured))
    found = list(troubles(measured))
    return "".join([text, "\nWhat did not go well:\n\n", *found] if found else [text])


def memory_rows(measured: Measured) -> Iterator[list[str]]:
    for clients, through, fitting in places(measured):
        values = [median(fitting, *where) for where in MEMORY.values()]
        whole = sum(value or 0 for value in values) * clients / 1024
        yield [NAMES[through], f"{clients:,}", *map(written, values), f"{whole:,.0f}"]


def cpu_rows(measured: Measured) -> Iterator[list[str]]:
    for clients, through, fitting in places(measured):
        values = [median(fitting, *where) for where in CPU.values()]
        yield [NAMES[through], f"{clients:,}", *map(written, values)]


def places(measured: Measured) -> Iterator[tuple[int, str, Measured]]:
    """Yield each size and way, with its trials."""
    for through in THROUGH:
        for clients in sorted({trial["clients"] for trial in measured}):
            fitting = [one for one in measured if (one["clients"], one["through"]) == (clients, through)]
            if fitting:
                yield clients, through, fitting


def median(measured: Measured, step: str, field: str) -> float | None:
    """Return the median over all trials and rounds, or None where there are none."""
    found = [
        one[field] * scale(trial, step, field)
        for trial in measured
        for one in trial["steps"]
        if one["step"] == step and field in one
    ]
    return statistics.median(found) if found else None


def scale(trial: dict[str, Any], step: str, field: str) -> float:
    """Return what makes a figure of the load generator one of the table."""
    if field == "kernel_kb":
        return HERE[str(trial["through"])]
    # What one poll of each client takes, as a share of the time for which it is held.
    return float(trial["clients"]) / (HOLD * 1e6) * 100 if step == "idle" else 1
