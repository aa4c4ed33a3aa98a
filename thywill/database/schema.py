"""The version of the schema: the names of the migrations that a database has had."""

from __future__ import annotations

import logging
from pathlib import Path

import peewee
from playhouse.migrations import Runner

from thywill.database.backend import Backend, one_line
from thywill.errors import SettingsError

log = logging.getLogger("thywill.database")

MIGRATIONS = Path(__file__).with_name("migrations")
"""Where the scripts are, ``NNNN_what.py`` each: frozen copies of the models, never imports of today's."""

# In a database that a house shares, Peewee's own "schema_migration" could be another program's.
HISTORY = "thywill_schema"


def pending(database: Backend, folder: Path = MIGRATIONS) -> list[str]:
    """Return the names of the scripts that this database has not had, in their order.

    Args:
        database: the database, connected.
        folder: where the scripts are.

    Raises:
        SettingsError: the database has had a script that is not here, so a newer thywill has written it.
        PeeweeException: the database does not answer.
    """
    migrations = _runner(database, folder).status()
    unknown = [migration.idx for migration in migrations if migration.path is None]
    if unknown:
        known = max(migration.idx for migration in migrations if migration.path is not None)
        raise SettingsError(
            f"[database] url: {database.label} was written by a newer thywill (schema {max(unknown)}, "
            f"this one knows {known}): upgrade thywill or name another database"
        )
    return [migration.name for migration in migrations if migration.applied is None]


def check_writable(database: Backend, folder: Path = MIGRATIONS) -> None:
    """Write nothing into a database whose schema is up to date, to see at the start whether it can be.

    Raises:
        PeeweeException: it is read-only or locked, or the user must not write.
    """
    history = _runner(database, folder).History
    with database.atomic():
        history.update(name=history.name).where(history.name == "").execute()


def migrate(database: Backend, folder: Path = MIGRATIONS) -> list[str]:
    """Apply the scripts that this database has not had; return their names.

    All or none of them, except on MariaDB and MySQL, which cannot undo a change of the schema: there the
    script that fails may be half done, and those before it stay.

    Args:
        database: the database, connected; as ``Backend.patient`` gives it, for a script may take its time.
        folder: where the scripts are.

    Raises:
        SettingsError: a script failed, or a newer thywill has written the database.
        PeeweeException: the database does not answer.
    """
    with database.migrating():
        # Looked up only now: another server may have applied them while this one waited.
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
            text += "; it may be half done: undo what it made by hand, or restore a backup, and start again"
        raise SettingsError(text) from error
    log.info("%s: applied migration %s", database.label, name)


def _runner(database: Backend, folder: Path) -> Runner:
    return Runner(database, str(folder), table_name=HISTORY)
