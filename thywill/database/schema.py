"""Migrates the schema. Its version is the list of the migrations that were applied to the database."""

from __future__ import annotations

import glob
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import peewee
from playhouse.migrations import Runner

from thywill.database.backend import Backend, one_line
from thywill.errors import SettingsError

log = logging.getLogger("thywill.database")

MIGRATIONS = Path(__file__).with_name("migrations")
"""The folder of the scripts ``NNNN_what.py``. They contain frozen copies of the models, never imports."""

# Peewee's default name, "schema_migration", may belong to another program that uses this database.
HISTORY = "thywill_schema"


def pending(database: Backend, folder: Path = MIGRATIONS) -> list[str]:
    """Return the names of the scripts that have not been applied to this database, in order.

    Args:
        database: the database, connected.
        folder: the folder of the scripts.

    Raises:
        SettingsError: a script was applied that this version of thywill does not have, so a newer one did it.
        PeeweeException: the database does not answer.
    """
    migrations = _runner(database, folder).status()
    unknown = [migration.idx for migration in migrations if migration.path is None]
    if unknown:
        known = max(migration.idx for migration in migrations if migration.path is not None)
        raise SettingsError(
            f"[database] url: {database.label} was written by a newer version of thywill "
            f"(schema {max(unknown)}, this one knows {known}): upgrade thywill or name another database"
        )
    return [migration.name for migration in migrations if migration.applied is None]


def check_writable(database: Backend, folder: Path = MIGRATIONS) -> None:
    """Run a write that changes nothing, so that the start fails if the database cannot be written.

    Raises:
        PeeweeException: it is read-only or locked, or the user has no right to write.
    """
    history = _runner(database, folder).History
    with database.atomic():
        history.update(name=history.name).where(history.name == "").execute()


def create_lost_tables(database: Backend, models: Sequence[Any]) -> list[str]:
    """Create the tables of ``models`` that are missing although all migrations were applied.

    Such tables were dropped, or a restored backup did not have them.

    Returns:
        the names of the tables, which are empty.
    """
    if _missing(database):
        return []
    existing = set(database.get_tables())
    lost = [model for model in models if model._meta.table_name not in existing]
    for model in lost:
        model.create_table()
    return [model._meta.table_name for model in lost]


def _missing(database: Backend) -> bool:
    migrations = _runner(database, MIGRATIONS).status()
    return any(migration.path is not None and migration.applied is None for migration in migrations)


def migrate(database: Backend, folder: Path = MIGRATIONS) -> list[str]:
    """Apply the scripts that are missing in this database; return their names.

    If a script fails, none is applied. MariaDB and MySQL cannot undo schema changes: there the earlier
    scripts stay applied, and the failed script may be half done.

    Args:
        database: the database, connected; from ``Backend.patient``, since a script may take long.
        folder: the folder of the scripts.

    Raises:
        SettingsError: a script failed, or a newer version of thywill has written the database.
        PeeweeException: the database does not answer.
    """
    with database.migrating():
        # Only now, since another server may have applied scripts while this one waited.
        names = pending(database, folder)
        _runner(database, folder).History.create_table()
        for name in names:
            _apply(database, folder, name)
    return names


def _apply(database: Backend, folder: Path, name: str) -> None:
    try:
        _runner(database, folder).up(name)
    except peewee.PeeweeException as error:
        text = f"[database] url: {database.label}: migration {name} failed: {one_line(str(error))}"
        if not database.undoes_schema:
            text += "; it may be half done: undo its changes by hand, or restore a backup, and start again"
        raise SettingsError(text) from error
    log.info("%s: applied migration %s", database.label, name)


def _runner(database: Backend, folder: Path) -> Runner:
    # Escaped, because Peewee treats the folder as a pattern: a checkout below "app[1]" would have no
    # migrations.
    return Runner(database, glob.escape(str(folder)), table_name=HISTORY)
