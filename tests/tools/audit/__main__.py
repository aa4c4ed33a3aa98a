"""``python3 -m tests.tools.audit``: causes faults around a server, and accounts for every message."""

from __future__ import annotations

from tests.gate.entry import enter

if __name__ == "__main__":
    enter("tests.tools.audit.__main__")

from tests.tools.audit.command import main

__all__ = ["main"]
