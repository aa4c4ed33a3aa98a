"""Cleans the values that people write into cells, and their names."""

from __future__ import annotations

from thywill import one_line

TEXT = 200
"""The largest number of characters in a cell."""
NAME = 24
"""The largest number of characters in a name."""
LARGEST = 1e15
"""The largest number of a cell; sums of larger ones are not exact."""


class NotAllowed(Exception):
    """A cell or a name cannot have this value; the text says why, for people."""


def clean_text(value: object, limit: int) -> str:
    """Return a text on one line.

    Raises:
        NotAllowed: it is no text, or too long.
    """
    if not isinstance(value, str):
        raise NotAllowed("This must be a text.")
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
        raise NotAllowed("This must be a number.")
    if not abs(value) <= LARGEST:  # NaN is not, either
        raise NotAllowed("This number is too large.")
    return value
