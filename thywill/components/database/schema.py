"""The version of the schema: the names of the migrations that a database has had."""

from __future__ import annotations

from pathlib import Path

import peewee
from playhouse.migrations import Runner

from thywill.errors import SettingsError

MIGRATIONS = Path(__file__).with_name("migrations")
"""Where the scripts are, ``NNNN_what.py`` each: frozen copies of the models, never imports of today's."""

# In a database that a house shares, Peewee's own "schema_migration" could be another program's.
HISTORY = "thywill_schema"


def migrate(database: peewee.Database, folder: Path = MIGRATIONS) -> None:
    """Apply the scripts that this database has not had, all or none of them.

    Args:
        database: Peewee's database, connected.
        folder: where the scripts are.

    Raises:
        SettingsError: the database has had a script that is not here, so a newer thywill has written it.
        PeeweeException: a script failed.
    """
    runner = Runner(database, str(folder), table_name=HISTORY)
    # One transaction around it all makes a second server that starts just now wait, instead of applying the
    # same script too.
    with database.atomic():
        _refuse_newer(database, runner)
        runner.up()


def _refuse_newer(database: peewee.Database, runner: Runner) -> None:
    migrations = runner.status()
    unknown = [migration.idx for migration in migrations if migration.path is None]
    if unknown:
        known = max(migration.idx for migration in migrations if migration.path is not None)
        raise SettingsError(
            f"[database] url: {database.database} was written by a newer thywill (schema {max(unknown)}, "
            f"this one knows {known}): upgrade thywill or name another database"
        )
