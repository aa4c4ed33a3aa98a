"""``run.py servers``: asks one server for the list of all running servers that share its queue."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from thywill.commands.operating import NotListed, ask, server_of
from thywill.commands.report import printable, show
from thywill.config import Settings
from thywill.core.text import counted

COLUMNS = (
    "name",
    "address",
    "process",
    "version",
    "started",
    "clients",
    "delay",
    "lag",
    "behind",
    "leads",
)


def run(options: Mapping[str, Any], settings: Settings, root: Path) -> int:
    """Print the servers and return the exit status.

    Args:
        options: the options of the command, by name.
        settings: the settings of the server, with its address and its key.
        root: the folder of the project.

    Raises:
        SettingsError: an option or a setting has a wrong value.
    """
    url, key = server_of(options, settings, root)
    try:
        rows = ask(url, key, "servers")["servers"]
    except NotListed as error:
        sys.stderr.write(f"{url}: {error}\n")
        return 1
    show(json.dumps(rows, indent=2) if options["json"] else as_table(rows, time.time()))
    return 0


def as_table(rows: Sequence[Mapping[str, Any]], now: float) -> str:
    """Return the rows for people, in columns; the last line counts servers and clients."""
    lines = [COLUMNS, *(tuple(_shown(row, name, now) for name in COLUMNS) for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(COLUMNS))]
    texts = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) for line in lines]
    clients = sum(int(row["clients"]) for row in rows)
    return "\n".join(
        [*(text.rstrip() for text in texts), f"{counted(len(rows), 'server')}, {counted(clients, 'client')}"]
    )


def _shown(row: Mapping[str, Any], name: str, now: float) -> str:
    value = row.get(name, "")
    if name == "started":
        return f"{max(now - float(value), 0):.0f} s ago"
    if name in ("delay", "lag", "behind"):
        return f"{float(value or 0) * 1000:.1f} ms"
    return printable(", ".join(value) if isinstance(value, list) else str(value))
