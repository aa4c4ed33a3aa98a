"""``python3 -m tests.audit``: does harm to a server and its clients, and accounts for every message."""

from __future__ import annotations

from tests.gate.entry import enter

if __name__ == "__main__":
    enter("tests.audit.__main__")

from tests.audit.command import main

__all__ = ["main"]
