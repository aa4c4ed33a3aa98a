"""Texts for people: one line of what somebody wrote, and numbers with what they count."""

from __future__ import annotations

import unicodedata
from typing import Any

LONGEST = 10_000
"""How many characters are read; later ones would be cut off anyway."""
MARKS = 30
"""How many marks on one character, such as accents, are kept; no language has more. Python sorts n marks in
some n² steps, which is a fifth of a second for 10,000."""
JOINERS = "\u200c\u200d"
"""Invisible characters that Persian words and many emoji need."""


def counted(number: int, thing: str) -> str:
    """Return how many things there are, as in "1 client" and "2 clients"."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def one_line(value: Any, limit: int) -> str:
    """Return a text on one line, without control characters and characters that reverse the direction.

    Args:
        value: a value that a page has sent.
        limit: how many characters the result may have.

    Returns:
        the text; it is empty if the value is no text or has no visible character.
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
