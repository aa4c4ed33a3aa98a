"""Cleans what people write into cells, and their names."""

from __future__ import annotations

from thywill import one_line

TEXT = 200
"""Characters that a cell may have."""
NAME = 24
"""Characters that a name may have."""
LARGEST = 1e15
"""The largest number of a cell; sums of larger ones are not exact."""


class NotAllowed(Exception):
    """A value cannot stand in a cell; the text says why, for people."""


def clean_text(value: object, limit: int) -> str:
    """Return a text on one line.

    Raises:
        NotAllowed: it is no text, or too long.
    """
    if not isinstance(value, str):
        raise NotAllowed("This takes a text.")
    text = one_line(value, limit + 1)
    if len(text) > limit:
        raise NotAllowed(f"A text has at most {limit} characters.")
    return text


def clean_number(value: object) -> int | float | None:
    """Return a number, or None for an empty cell.

    Raises:
        NotAllowed: it is no number, or too large.
    """
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise NotAllowed("This takes a number.")
    if not abs(value) <= LARGEST:  # NaN is not, either
        raise NotAllowed("This number is too large.")
    return value
