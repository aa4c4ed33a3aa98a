"""The table: medians of all trials, and how thywill compares with the best of its peers."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

Measured = Sequence[dict[str, Any]]
OURS = "thywill"


@dataclass(frozen=True)
class Figure:
    """A line of the table: one number that a step prints.

    Args:
        label: the text of the line.
        row: the row whose trials are taken.
        step: the step.
        field: the name in what the step prints.
        most: whether the most is the best, not the least.
    """

    label: str
    row: str
    step: str
    field: str
    most: bool = False


FIGURES = (
    Figure("long poll: CPU per delivery with the next poll, µs", "poll", "broadcast", "cpu_us"),
    Figure("long poll: until half have it, ms", "poll", "broadcast", "p50_ms"),
    Figure("long poll: until the last has it, ms", "poll", "broadcast", "last_ms"),
    Figure("xhr-streaming: CPU per delivery, µs", "stream", "broadcast", "cpu_us"),
    Figure("xhr-streaming: until the last has it, ms", "stream", "broadcast", "last_ms"),
    Figure("xhr polling: CPU per delivery with the next poll, µs", "xhr", "broadcast", "cpu_us"),
    Figure("xhr polling: until the last has it, ms", "xhr", "broadcast", "last_ms"),
    Figure("SockJS: CPU per acknowledgement, µs", "xhr", "acknowledge", "cpu_us"),
    Figure("memory per parked client, KB", "poll", "connect", "client_kb"),
    Figure("the same over xhr-streaming, KB", "stream", "connect", "client_kb"),
    Figure("connected per second, until parked", "poll", "connect", "per_second", most=True),
    Figure("CPU for each that connects, µs", "poll", "connect", "cpu_us"),
    Figure("echo: round trips per second, 50 active", "poll", "echo", "per_second", most=True),
    Figure("echo: CPU per round trip, µs", "poll", "echo", "cpu_us"),
    Figure("echo: 99 of 100 within, ms", "poll", "echo", "p99_ms"),
    Figure("echo over xhr polling: round trips per second", "xhr", "echo", "per_second", most=True),
    Figure("echo over xhr polling: CPU per round trip, µs", "xhr", "echo", "cpu_us"),
    Figure("storm: all parked again after, s", "poll", "storm", "seconds"),
    Figure("storm: refused and tried again", "poll", "storm", "refused"),
)
LARGE = (
    Figure("CPU while nothing happens, % of a core", "idle", "idle", "cpu_percent"),
    Figure("broadcast: 99 of 100 within, ms", "idle", "broadcast", "p99_ms"),
    Figure("storm: all parked again after, s", "idle", "storm", "seconds"),
    Figure("storm: refused and tried again", "idle", "storm", "refused"),
    Figure("storm: messages that never came", "idle", "storm", "missing"),
)
GROWTH = (
    Figure("CPU, µs", "growth", "broadcast", "cpu_us"),
    Figure("99 of 100, ms", "growth", "broadcast", "p99_ms"),
    Figure("memory, KB", "growth", "connect", "client_kb"),
)


def steps(measured: Measured, server: str, row: str, clients: int | None = None) -> Iterable[dict[str, Any]]:
    """Yield what the steps of a server's trials for a row printed."""
    for trial in measured:
        if (trial["server"], trial["row"]) == (server, row) and clients in (None, trial["clients"]):
            yield from trial["steps"]


def median(measured: Measured, server: str, figure: Figure, clients: int | None = None) -> float | None:
    """Return the median over all trials and rounds, or None where there are none.

    SockJS's own servers have no long polls but their xhr polling, and are compared by that.
    """
    found = [
        step[figure.field] for step in steps(measured, server, figure.row, clients) if fits(step, figure)
    ]
    if not found and figure.row == "poll" and server != OURS:
        row = Figure(figure.label, "xhr", figure.step, figure.field, figure.most)
        return median(measured, server, row, clients)
    return statistics.median(found) if found else None


def fits(step: dict[str, Any], figure: Figure) -> bool:
    return bool(step["step"] == figure.step and figure.field in step)


def written(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.3g}"


def compared(values: dict[str, float | None], figure: Figure) -> str:
    """Return thywill's share of the best peer's value, with that peer's name."""
    ours = values.get(OURS)
    peers = {name: value for name, value in values.items() if value and name != OURS}
    if ours is None or not peers:
        return ""
    best = (max if figure.most else min)(peers, key=peers.__getitem__)
    return f"{ours / peers[best]:.2f} of {best}"


def line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |\n"


def grid(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return line(head) + line(["---"] * len(head)) + "".join(map(line, rows))


def figure_rows(measured: Measured, names: Sequence[str]) -> Iterable[list[str]]:
    for figure in FIGURES:
        values = {name: median(measured, name, figure) for name in names}
        if any(value is not None for value in values.values()):
            yield [figure.label, *map(written, values.values()), compared(values, figure)]


def large_rows(measured: Measured) -> Iterable[list[str]]:
    for figure in LARGE:
        value = median(measured, OURS, figure)
        if value is not None:
            yield [figure.label, written(value)]


def growth_rows(measured: Measured, names: Sequence[str]) -> Iterable[list[str]]:
    for name in names:
        for clients in sizes(measured, name):
            values = [median(measured, name, figure, clients) for figure in GROWTH]
            yield [name, f"{clients:,}", *map(written, values)]


def sizes(measured: Measured, server: str) -> list[int]:
    """Return the numbers of clients that a server was measured with for its growth."""
    chosen = (trial for trial in measured if (trial["server"], trial["row"]) == (server, "growth"))
    return sorted({trial["clients"] for trial in chosen})


def troubles(measured: Measured) -> Iterable[str]:
    for trial in measured:
        about = f"{trial['server']}, {trial['row']}, {trial['clients']} clients"
        if "failed" in trial:
            yield f"- {about}: {trial['failed']}\n"
        for step in trial["steps"]:
            if step["parked"] < step["clients"] or step["errors"]:
                counts = f"{step['parked']} parked, {step['refused']} refused, {step['errors']} errors"
                yield f"- {about}, {step['step']}: {counts}\n"


def render(measured: Measured, names: Sequence[str]) -> str:
    """Return all tables of a run as Markdown."""
    present = [name for name in names if any(trial["server"] == name for trial in measured)]
    alike = {trial["clients"] for trial in measured if trial["row"] in ("poll", "xhr", "stream")}
    text = ""
    if alike:
        head = [f"{max(alike):,} clients", *present, "thywill is"]
        text += grid(head, figure_rows(measured, present))
    many = {trial["clients"] for trial in measured if trial["row"] == "idle"}
    if many:
        text += "\n" + grid([f"{max(many):,} clients", OURS], large_rows(measured))
    if any(sizes(measured, name) for name in present):
        head = ["", "clients", *(figure.label for figure in GROWTH)]
        text += "\n" + grid(head, growth_rows(measured, present))
    return text + "".join(
        ["\nWhat did not go well:\n\n", *found] if (found := list(troubles(measured))) else []
    )


def brief(rounds: Sequence[dict[str, Any]]) -> str:
    """Return some figures of a step's rounds for the screen."""
    ours = ("per_second", "client_kb", "front_kb", "cpu_us", "front_us", "cpu_percent", "front_percent")
    fields = (*ours, "last_ms", "seconds", "refused", "errors")
    values = {name: statistics.median(one[name] for one in rounds) for name in fields if name in rounds[0]}
    return " ".join(f"{name}={written(value)}" for name, value in values.items() if value)
