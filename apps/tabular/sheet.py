"""The table: rows of cells, each with a version, and its events. Pure: no clock, no network.

A change names the version of the cell that its author saw. If the cell has a newer version by now, two people
have changed it at the same time. Then the cell does not change: the author gets the other value and decides.

    the cell has      Ada writes, based on      Bob writes, based on
    "Salad" (4)       "Soup" (4): version 5     "Cake" (4): a conflict, since the cell has "Soup" (5)
    "Soup" (5)                                  "Cake" (5): version 6, since Bob has decided so

Every change is an event, and the table can be made anew from the events. Only the last events are kept, so
now and then a whole row is written as an event.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from apps.tabular.words import TEXT, clean_number, clean_text

KEPT = 600
"""How many events are kept."""
STALE = 300
"""A row is written again after so many events, so that all rows are among the last ``KEPT`` events."""
PAST = 20
"""How many values of a cell are remembered, including the present one."""
LARGEST_ROW = 48 * 1024
"""The largest event of a row, in bytes; a row with a longer past is written with fewer old values."""
REMEMBERED = 1000
"""The outcomes of so many changes are remembered, so that a repeated change is not made twice."""
REMOVED = 20
"""How many removed rows can be brought back."""
ROWS = 100
"""The largest number of rows."""

Event = dict[str, Any]
Value = str | int | float | None


class Column(NamedTuple):
    """A column: its name, and ``text`` or ``number``."""

    name: str
    type: str


class Entry(NamedTuple):
    """A value of a cell: its version, who wrote it, and when (seconds since 1970)."""

    value: Value
    version: int
    who: str
    at: float


class Change(NamedTuple):
    """Who changes something: a name, the time, and a mark that is the same when the change is repeated."""

    who: str
    at: float
    mark: str


EMPTY = Entry(None, 0, "", 0.0)


@dataclass(slots=True)
class Row:
    """A row.

    Args:
        id: the row's id.
        cells: for each cell its entries, the oldest first.
        written: the number of the last event that had the whole row.
    """

    id: int
    cells: list[deque[Entry]]
    written: int = 0

    def present(self, column: int) -> Entry:
        """Return the present entry of a cell."""
        return self.cells[column][-1] if self.cells[column] else EMPTY


@dataclass(slots=True)
class Sheet:
    """The table.

    Args:
        columns: its columns.
    """

    columns: tuple[Column, ...]
    rows: dict[int, Row] = field(default_factory=dict)
    removed: OrderedDict[int, Row] = field(default_factory=OrderedDict)
    _events: int = 0
    _highest: int = 0
    _outcomes: OrderedDict[str, int] = field(default_factory=OrderedDict)

    # Changes. Each returns an event that is applied already, or None if there is nothing to do.

    def outcome(self, mark: str) -> int | None:
        """Return the outcome of an earlier change with this mark: a version, or the id of a row."""
        return self._outcomes.get(mark)

    def clean(self, column: int, value: object) -> Value:
        """Return a value as the column stores it.

        Raises:
            NotAllowed: the column cannot have this value.
        """
        if self.columns[column].type == "number":
            return clean_number(value)
        return clean_text(value, TEXT) or None

    def write(self, row: int, column: int, value: Value, base: int, change: Change) -> Event | None:
        """Write a cell; None if somebody else has written since the version ``base``."""
        present = self.rows[row].present(column)
        if present.version != base:
            return None
        entry = Entry(value, present.version + 1, change.who, change.at)
        event = {"type": "cell", "row": row, "column": column, "entry": entry, "mark": change.mark}
        return self._applied(event)

    def add(self, values: Sequence[Sequence[Value]], change: Change) -> Event:
        """Add rows with values."""
        rows = []
        for number, cells in enumerate(values, start=self._highest + 1):
            entries = [[] if value is None else [Entry(value, 1, change.who, change.at)] for value in cells]
            rows.append({"id": number, "cells": entries})
        return self._applied({"type": "rows", "rows": rows, "mark": change.mark})

    def remove(self, row: int, change: Change) -> Event:
        """Remove a row."""
        return self._applied({"type": "removed", "row": row, "who": change.who, "mark": change.mark})

    def restore(self, row: int, change: Change) -> Event:
        """Bring a removed row back."""
        return self._applied({"type": "rows", "rows": [written(self.removed[row])], "mark": change.mark})

    def stale(self) -> list[Event]:
        """Return events, applied already, of the rows that were written too many events ago."""
        oldest = sorted(self.rows.values(), key=lambda row: row.written)[:2]
        return [
            self._applied({"type": "rows", "rows": [written(row)]})
            for row in oldest
            if self._events - row.written > STALE
        ]

    # Events.

    def _applied(self, event: Event) -> Event:
        self.apply(event)
        return event

    def apply(self, event: Event) -> None:
        """Apply an event, for the first time or when the table is made anew.

        Raises:
            Exception: it is no event of a table.
        """
        self._events += 1
        outcome = getattr(self, f"_apply_{event['type']}")(event)
        if mark := event.get("mark"):
            self._outcomes[mark] = outcome
            if len(self._outcomes) > REMEMBERED:
                self._outcomes.popitem(last=False)

    def _apply_cell(self, event: Event) -> int:
        entry = Entry(*event["entry"])
        row = self.rows.get(event["row"])
        if row is not None and entry.version > row.present(event["column"]).version:
            row.cells[event["column"]].append(entry)
        return entry.version

    def _apply_rows(self, event: Event) -> int:
        for each in event["rows"]:
            cells = [deque((Entry(*entry) for entry in cell), PAST) for cell in each["cells"]]
            self.rows[each["id"]] = Row(each["id"], cells, self._events)
            self.removed.pop(each["id"], None)
            self._highest = max(self._highest, each["id"])
        return int(event["rows"][-1]["id"])

    def _apply_removed(self, event: Event) -> int:
        row = self.rows.pop(event["row"], None)
        if row is not None:
            self.removed[row.id] = row
            if len(self.removed) > REMOVED:
                self.removed.popitem(last=False)
        return int(event["row"])


def written(row: Row) -> Event:
    """Return a row as events have it, with as many old values as fit into one message."""
    for count in (PAST, PAST // 2, PAST // 4, 1):
        cells = [list(cell)[-count:] for cell in row.cells]
        if sum(len(str(entry).encode()) for cell in cells for entry in cell) < LARGEST_ROW:
            break
    return {"id": row.id, "cells": cells}
