"""What people write, as one line of plain text that cannot harm the lines around it."""

from __future__ import annotations

import unicodedata
from typing import Any

LONGEST = 10_000
"""Characters that are looked at; what comes later would be cut off anyway."""
MARKS = 30
"""Marks on one character, such as accents, that are kept; no language has more. To put n of them into their
order takes some n² steps, which is a fifth of a second for 10,000."""
JOINERS = "\u200c\u200d"
"""Invisible characters that Persian words and many emoji need."""


def one_line(value: Any, limit: int) -> str:
    """Return a text on one line, without control characters and those that reverse the direction.

    Args:
        value: what a page has sent.
        limit: characters that are left at most.

    Returns:
        the text, which is empty if nothing of it can be seen, or the value is no text.
    """
    if not isinstance(value, str):
        return ""
    words = " ".join(value[:LONGEST].split())
    text = "".join(each for each in words if each in JOINERS or unicodedata.category(each)[0] != "C")
    return unicodedata.normalize("NFC", _with_few_marks(text))[:limit].strip(JOINERS + " ")


def _with_few_marks(text: str) -> str:
    kept, marks = [], 0
    for each in text:
        marks = marks + 1 if unicodedata.combining(each) else 0
        if marks <= MARKS:
            kept.append(each)
    return "".join(kept)
