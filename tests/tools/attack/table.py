"""The table of attacks, of one run or of two side by side."""

from __future__ import annotations

from collections.abc import Sequence

from tests.tools.attack.attack import Result

HEAD = (
    "p50/p99 before, ms | during | memory, MB: before → most → after | back after, s | refused"
    " | flood, requests/s | server ran / waited, clients waited"
)


def render(results: Sequence[Result], earlier: Sequence[Result] = ()) -> str:
    """Return the table in Markdown; with ``earlier``, two rows for each flood."""
    title = "| flood | way |" + (" commit |" if earlier else "")
    columns = title.count("|") - 1 + HEAD.count("|") + 1
    lines = [f"{title} {HEAD} |", "|" + "---|" * columns]
    known = {(result.flood, result.way): result for result in earlier}
    for result in results:
        place = f"| {result.flood} | {result.way} |"
        old = known.get((result.flood, result.way))
        if old is not None:
            lines.append(f"{place} earlier | {_row(old)} |")
        lines.append(f"{place}{' now |' if earlier else ''} {_row(result)} |")
    return "\n".join(lines)


def _row(result: Result) -> str:
    memory = " → ".join(f"{megabytes:.0f}" for megabytes in result.memory)
    cells = [
        _pair(result.before),
        _pair(result.during),
        memory,
        f"{result.rest:.1f}" if result.rest < float("inf") else "never",
        str(result.refused),
        f"{result.requests:,.0f}",
        "{:.0%} / {:.0%}, {:.0%}".format(*result.processor),
    ]
    return " | ".join(cells)


def _pair(delays: Sequence[float]) -> str:
    return " / ".join("nothing" if delay == float("inf") else f"{delay:.1f}" for delay in delays)
