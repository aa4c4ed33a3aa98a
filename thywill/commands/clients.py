"""``run.py clients``: the clients in the database, or those of all servers that share a queue.

Servers that share a queue need not share a database of records. So this command asks a running server, which
asks the others. For clients that are gone it reads the database, since only their records are left.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from thywill.application_interface.base import ApplicationInterface
from thywill.commands.databases import make_database, missing_file, pending
from thywill.commands.operating import NotListed, ask, server_of
from thywill.commands.report import printable, show
from thywill.component import Choice
from thywill.config import Settings
from thywill.core.client_filter import ClientFilter
from thywill.core.lifecycle import State
from thywill.core.nearest import hint
from thywill.core.record import ClientRecord
from thywill.core.text import counted
from thywill.database.base import Database, DatabaseUnavailable
from thywill.errors import SettingsError
from thywill.monitoring.front_page import NAME as FRONT_PAGE
from thywill.queue.base import Queue
from thywill.server import COMPONENTS

COLUMNS = ("id", "application", "state", "address", "transport", "seen")
ALL = 10_000_000
"""How many records are read at most if the filter is applied here and not by the database."""


def run(options: Mapping[str, Any], settings: Settings, root: Path) -> int:
    """Print the clients that match and return the exit status.

    Args:
        options: the options of the command, by name; a filter that was not set is None.
        settings: the settings.
        root: the folder of the project.

    Raises:
        SettingsError: an option or a setting has a wrong value.
    """
    wanted = ClientFilter(**{name: options[name] for name in ClientFilter.__struct_fields__})
    if wanted.limit < 1:
        raise SettingsError("--limit must be at least 1")
    queue = Choice(settings, COMPONENTS).one("queue", Queue).kind  # type: ignore[type-abstract]
    is_asked = options["url"] is not None or (queue.shared and wanted.state != State.GONE.value)
    records = _listed(options, settings, root, wanted) if is_asked else _stored(settings, root, wanted)
    if records is None:
        return 1
    if not records and wanted.application is not None and not is_asked:
        _check_application(wanted.application, settings, root)
    show(as_json(records) if options["json"] else as_table(records))
    return 0


def _listed(
    options: Mapping[str, Any], settings: Settings, root: Path, wanted: ClientFilter
) -> Sequence[ClientRecord] | None:
    """Return the clients that a running server lists; None after an error, which is printed."""
    url, key = server_of(options, settings, root)
    query = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not None}
    try:
        found = ask(url, key, "clients", query)
    except NotListed as error:
        sys.stderr.write(f"{url}: {error}\n")
        return None
    for name in found.get("silent", ()):
        sys.stderr.write(f"the clients of {printable(name)} are missing: it has not answered in time\n")
    return msgspec.convert(found["clients"], list[ClientRecord])


def _stored(settings: Settings, root: Path, wanted: ClientFilter) -> Sequence[ClientRecord] | None:
    """Return the records in the database; None after an error, which is printed."""
    file = missing_file(settings, root)
    if file is not None:
        sys.stderr.write(f"there is no database {file}: name it with --data or --database\n")
        return None
    try:
        return asyncio.run(find(make_database(settings, root), wanted, time.time()))
    except (SettingsError, DatabaseUnavailable) as error:
        sys.stderr.write(f"{settings.with_origin(error) if isinstance(error, SettingsError) else error}\n")
        return None


def _check_application(name: str, settings: Settings, root: Path) -> None:
    """Refuse the name of an application that is neither in the settings nor in any record."""
    interface = Choice(settings, COMPONENTS).one("application_interface", ApplicationInterface)  # type: ignore[type-abstract]
    known = list(interface.kind.names(interface.settings))
    if not known or name in (*known, FRONT_PAGE):
        return
    if not _stored(settings, root, ClientFilter(application=name, limit=1)):
        raise SettingsError(f"--application: there is no application {name!r}{hint(name, known)}")


async def find(database: Database, wanted: ClientFilter, now: float) -> list[ClientRecord]:
    """Return the records that match; the last seen come first.

    Args:
        database: the database, not yet open.
        wanted: the filter.
        now: seconds since 1970.

    Raises:
        SettingsError: the database cannot be opened, or lacks migrations.
        DatabaseUnavailable: the database does not answer.
    """
    missing = await pending(database)
    if missing:
        raise SettingsError("the database lacks migrations: apply them with `python run.py migrate`")
    own = (wanted.address, wanted.transport, wanted.seen)
    limit = ALL if any(each is not None for each in own) else wanted.limit
    await database.start()
    try:
        found = await database.find_all(state=wanted.state, application=wanted.application, limit=limit)
    finally:
        await database.stop()
    return [record for record in found if wanted.fits(record, now)][: wanted.limit]


def as_json(records: Sequence[ClientRecord]) -> str:
    """Return the records as JSON; times are in seconds since 1970."""
    return json.dumps([msgspec.structs.asdict(record) for record in records], indent=2)


def as_table(records: Sequence[ClientRecord]) -> str:
    """Return the records for people, in columns; the last line counts them."""
    rows = [COLUMNS, *(tuple(_shown(record, name) for name in COLUMNS) for record in records)]
    widths = [max(len(row[index]) for row in rows) for index in range(len(COLUMNS))]
    lines = ["  ".join(value.ljust(width) for value, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join([*(line.rstrip() for line in lines), counted(len(records), "client")])


def _shown(record: ClientRecord, name: str) -> str:
    value = getattr(record, name)
    if name == "seen":
        return datetime.fromtimestamp(value).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return printable(str(value))  # a browser chose some of these texts
