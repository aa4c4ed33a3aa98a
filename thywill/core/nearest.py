"""Suggests known names in place of an unknown one: the second half of an error's line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def closest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name of which ``name`` may be a misspelling, or None."""
    found = difflib.get_close_matches(name, list(known), n=1)
    return found[0] if found else None


def hint(name: str, known: Iterable[str]) -> str:
    """Return the end of an error about the unknown ``name``: a suggestion, or all known names.

    For example ``; did you mean 'chat'?`` or ``; known are: chat, echo``.
    """
    known = list(known)
    close = closest(name, known)
    return f"; did you mean {close!r}?" if close else f"; known are: {', '.join(sorted(known))}"
