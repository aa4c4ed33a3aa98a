"""The database that the settings choose, for commands."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from thywill.components.database.base import Database
from thywill.components.loading import Choice
from thywill.config import ServerSettings, Settings
from thywill.server import COMPONENTS


@runtime_checkable
class Migrating(Protocol):
    """A database with a schema that has versions. Somebody's own component may have none."""

    async def migrate(self) -> list[str]:
        """Apply the migrations that are missing and return their names."""
        ...

    async def pending_migrations(self) -> list[str]:
        """Return the names of the migrations that are missing."""
        ...


def make_database(settings: Settings, root: Path) -> Database:
    """Return the database that the settings choose, not yet open.

    Raises:
        SettingsError: they cannot be meant so.
    """
    folder = root / settings.section("server", ServerSettings).data
    chosen = Choice(settings, COMPONENTS).one("database", Database)
    return chosen.kind(chosen.settings, folder)


async def pending(database: Database) -> list[str]:
    """Return the names of the migrations that are missing; none where there are no versions.

    Raises:
        SettingsError, DatabaseUnavailable: it cannot be asked.
    """
    return await database.pending_migrations() if isinstance(database, Migrating) else []
