"""The chart: memory and CPU for each client against the number of clients, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tests.tools.bench.table import GROWTH, Figure, Measured, median, sizes

WIDTH, HEIGHT, GAP = 400, 300, 70
LEFT, TOP = 60, 40
COLOURS = ("#c1121f", "#1d3557", "#2a9d8f", "#e9a300", "#7b2cbf", "#6c757d", "#80b918", "#00a6fb")
FEWEST, MOST = 1000, 30_000

Point = tuple[float, float]


@dataclass(frozen=True)
class Panel:
    """One of the two diagrams; both axes are logarithmic.

    Args:
        title: what stands above it.
        figure: what it shows.
        left: its left edge.
        ticks: the values with a line; the first and the last are its ends, and all values are between.
    """

    title: str
    figure: Figure
    left: float
    ticks: tuple[float, ...]

    def x(self, clients: float) -> float:
        """Return where a number of clients is."""
        return self.left + WIDTH * share(clients, FEWEST, MOST)

    def y(self, value: float) -> float:
        """Return where a value is."""
        return TOP + HEIGHT * (1 - share(value, self.ticks[0], self.ticks[-1]))


def ticks_around(values: Sequence[float]) -> tuple[float, ...]:
    """Return the numbers 1, 2, 5, 10, 20, 50, … from one that is at most the least value to one above all."""
    steps = [factor * 10.0**power for power in range(-3, 7) for factor in (1, 2, 5)]
    first = max(step for step in steps if step <= min(values))
    last = min(step for step in steps if step > max(values))
    return tuple(step for step in steps if first <= step <= last)


def share(value: float, low: float, high: float) -> float:
    return math.log(value / low) / math.log(high / low)


def text(x: float, y: float, words: str, anchor: str = "middle", colour: str = "#333") -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{words}</text>'


def rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#ddd"/>'


def axes(panel: Panel) -> list[str]:
    parts = [text(panel.left + WIDTH / 2, TOP - 15, panel.title)]
    for value in panel.ticks:
        y = panel.y(value)
        parts += [
            rule(panel.left, y, panel.left + WIDTH, y),
            text(panel.left - 6, y + 4, f"{value:g}", "end"),
        ]
    for clients in (1000, 2500, 5000, 10_000, 20_000, 30_000):
        x = panel.x(clients)
        parts += [rule(x, TOP, x, TOP + HEIGHT), text(x, TOP + HEIGHT + 18, f"{clients:,}")]
    parts.append(text(panel.left + WIDTH / 2, TOP + HEIGHT + 36, "clients"))
    return parts


def curve(points: Sequence[Point], colour: str, *, bold: bool) -> list[str]:
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    width = 3 if bold else 1.5
    line = f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
    return [line, *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points)]


def values_of(measured: Measured, name: str, figure: Figure) -> list[Point]:
    """Return the medians of one server: pairs of a number of clients and the value."""
    found = [(size, median(measured, name, figure, size)) for size in sizes(measured, name)]
    return [(size, value) for size, value in found if value is not None]


def panel_of(title: str, figure: Figure, left: float, measured: Measured, names: Sequence[str]) -> Panel:
    values = [value for name in names for _, value in values_of(measured, name, figure)]
    return Panel(title, figure, left, ticks_around(values or [1.0]))


def curves(panel: Panel, measured: Measured, names: Sequence[str]) -> list[str]:
    parts = []
    for name, colour in zip(names, COLOURS, strict=False):
        values = values_of(measured, name, panel.figure)
        points = [(panel.x(size), panel.y(value)) for size, value in values]
        parts += curve(points, colour, bold=name == names[0]) if points else []
    return parts


def legend(names: Sequence[str]) -> list[str]:
    y = TOP + HEIGHT + 64
    parts = []
    for index, (name, colour) in enumerate(zip(names, COLOURS, strict=False)):
        x = LEFT + index * 112
        parts.append(f'<rect x="{x}" y="{y - 10}" width="12" height="12" fill="{colour}"/>')
        parts.append(text(x + 17, y, name, "start"))
    return parts


def render(measured: Measured, names: Sequence[str]) -> str:
    """Return the chart of a run; ``names`` are the servers, ours first."""
    cpu, _, memory = GROWTH
    panels = (
        panel_of("CPU for each delivery, µs", cpu, LEFT, measured, names),
        panel_of("memory for each parked client, KB", memory, LEFT + WIDTH + GAP, measured, names),
    )
    parts = [part for panel in panels for part in (*axes(panel), *curves(panel, measured, names))]
    width, height = LEFT + 2 * WIDTH + GAP + 30, TOP + HEIGHT + 80
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        ' font-family="sans-serif" font-size="12">'
    )
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    return "\n".join([head, ground, *parts, *legend(names), "</svg>", ""])
