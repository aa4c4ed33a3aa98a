"""The table: a row for each fault, as Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from tests.tools.audit.audit import Outcome

HEADS = ("fault", "runs", "faults", "clients", "messages", "lost", "doubled", "disordered", "wrong", "told",
         "worst delay")  # fmt: skip
KINDS = ("lost", "doubled", "disordered", "wrong")


def line(cells: Sequence[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def cells(outcome: Outcome) -> list[object]:
    return [
        outcome.name,
        outcome.runs,
        f"{sum(outcome.faults.values()):,}",
        f"{outcome.clients:,}",
        f"{outcome.messages:,}",
        *(f"{outcome.counts[kind]:,}" for kind in KINDS),
        f"{sum(outcome.told.values()):,}",
        f"{outcome.worst:.1f} s",
    ]


def total(outcomes: Sequence[Outcome]) -> Outcome:
    """Return the sum of all rows."""
    found = Outcome("**all**")
    for outcome in outcomes:
        found.add(outcome)
    return found


def remarks(outcome: Outcome) -> list[str]:
    """Return the remarks on a row: losses that clients were told of, events, the first breaches."""
    told = [f"told {count} times: {reason}" for reason, count in outcome.told.most_common(5)]
    return [*told, *outcome.notes, *outcome.examples]


def markdown(outcomes: Sequence[Outcome]) -> str:
    """Return the table with its remarks."""
    lines = [
        line(HEADS),
        line(["---"] + ["---:"] * (len(HEADS) - 1)),
        *(line(cells(each)) for each in outcomes),
    ]
    lines.append(line(cells(total(outcomes))))
    lines += ["", *(f"- {each.name}: {text}" for each in outcomes for text in remarks(each))]
    return "\n".join(lines).rstrip() + "\n"
