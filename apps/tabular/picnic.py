"""The columns of the table, and the rows that it has at first."""

from __future__ import annotations

from apps.tabular.sheet import Column, Value

COLUMNS = (
    Column("What", "text"),
    Column("Who brings it", "text"),
    Column("How many", "number"),
    Column("Cost", "number"),
    Column("Bought at", "text"),
    Column("Note", "text"),
)

_FILLED: tuple[tuple[Value, ...], ...] = (
    ("Lemonade", "Ada", 6, 10.8, "Market", "the cloudy one"),
    ("Bread", "Bob", 3, 9.6, "Bakery", "two rye, one white"),
    ("Cheese", "Cem", 4, 17.2, "Market", "one without milk"),
    ("Tomatoes", "Ada", 20, 6.5, "Garden", None),
    ("Cake", None, 2, None, None, "who bakes?"),
    ("Blankets", "Dina", 5, None, "Attic", None),
    ("Badminton", "Bob", 1, None, "Cellar", "net and four rackets"),
    ("Music", None, None, None, None, "not too loud"),
)
_EMPTY: tuple[Value, ...] = (None,) * len(COLUMNS)
ROWS_AT_FIRST: list[tuple[Value, ...]] = [*_FILLED, *[_EMPTY] * (30 - len(_FILLED))]
