"""``run.py clients``: the clients in the database."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from thywill.commands.databases import make_database, missing_file, pending
from thywill.commands.report import printable, show
from thywill.config import Settings
from thywill.core.record import ClientRecord
from thywill.database.base import Database, DatabaseUnavailable
from thywill.errors import SettingsError

COLUMNS = ("id", "application", "state", "address", "transport", "seen")
ALL = 10_000_000
"""How many records are read at most where a filter is applied here and not by the database."""


def run(options: Mapping[str, Any], settings: Settings, root: Path) -> int:
    """Print the clients that match and return the exit status.

    Args:
        options: the options of the command, by name; a filter that was not set is None.
        settings: what the operator chose.
        root: the folder of the project.

    Raises:
        SettingsError: an option or a setting has a wrong value.
    """
    if options["limit"] < 1:
        raise SettingsError("--limit must be at least 1")
    file = missing_file(settings, root)
    if file is not None:
        sys.stderr.write(f"there is no database {file}: name it with --data or --database\n")
        return 1
    database = make_database(settings, root)
    try:
        records = asyncio.run(find(database, options, time.time()))
    except (SettingsError, DatabaseUnavailable) as error:
        sys.stderr.write(f"{settings.blame(error) if isinstance(error, SettingsError) else error}\n")
        return 1
    show(as_json(records) if options["json"] else as_table(records))
    return 0


async def find(database: Database, options: Mapping[str, Any], now: float) -> list[ClientRecord]:
    """Return the records that match, those seen last first.

    Raises:
        SettingsError: the database cannot be opened, or lacks migrations.
        DatabaseUnavailable: it does not answer.
    """
    missing = await pending(database)
    if missing:
        raise SettingsError("the database lacks migrations: apply them with `python run.py migrate`")
    own = ("address", "transport", "seen")
    limit = ALL if any(options[name] is not None for name in own) else options["limit"]
    await database.start()
    try:
        found = await database.find_all(
            state=options["state"], application=options["application"], limit=limit
        )
    finally:
        await database.stop()
    return [record for record in found if matches(record, options, now)][: options["limit"]]


def matches(record: ClientRecord, options: Mapping[str, Any], now: float) -> bool:
    """Return whether ``record`` passes the filters that the database does not apply itself."""
    address, transport, seen = options["address"], options["transport"], options["seen"]
    whole = _plain(record.transport)
    return (
        (address is None or record.address == address)
        and (transport is None or _plain(transport) in (whole, whole.rpartition(" ")[2]))
        and (seen is None or record.seen >= now - seen)
    )


def _plain(transport: str) -> str:
    # SockJS writes xhr_streaming; records of earlier versions hold that form.
    return transport.replace("_", "-")


def as_json(records: Sequence[ClientRecord]) -> str:
    """Return the records for scripts: times in seconds since 1970."""
    return json.dumps([asdict(record) for record in records], indent=2)


def as_table(records: Sequence[ClientRecord]) -> str:
    """Return the records for people, in columns; the last line counts them."""
    rows = [COLUMNS, *(tuple(_shown(record, name) for name in COLUMNS) for record in records)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(COLUMNS))]
    lines = ["  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([*(line.rstrip() for line in lines), f"{len(records)} clients"])


def _shown(record: ClientRecord, name: str) -> str:
    value = getattr(record, name)
    if name == "seen":
        return datetime.fromtimestamp(value).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return printable(str(value))  # a browser chose some of these texts
