"""The functions that Redis runs, from ``library.lua``, under names that are unique to their version."""

from __future__ import annotations

import hashlib
from pathlib import Path

FORMAT = 1
"""The version of the keys. A server does not use a Redis whose keys have a higher version."""

_SOURCE = Path(__file__).with_name("library.lua")


class Library:
    """The source of the library, and its name, which changes with the source.

    So servers of several versions can share a Redis: each loads its own library beside the others.
    """

    def __init__(self) -> None:
        source = _SOURCE.read_text(encoding="utf-8")
        digest = hashlib.sha256(source.encode()).hexdigest()[:12]
        self.name = f"thywill_{FORMAT}_{digest}"
        self.source = source.replace("NAME", self.name)

    def function(self, name: str) -> str:
        """Return the full name of a function of the library."""
        return f"{self.name}_{name}"
