"""The database that the settings choose, as commands use it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol, runtime_checkable
from urllib.parse import unquote

from thywill.commands.places import is_there
from thywill.component import Choice
from thywill.config import ServerSettings, Settings
from thywill.database.base import Database
from thywill.server import COMPONENTS

SQLITE = "sqlite:///"
MEMORY = ":memory:"


@runtime_checkable
class Migrating(Protocol):
    """A database whose schema has versions. An operator's own component may have no versions."""

    async def migrate(self) -> list[str]:
        """Apply the missing migrations and return their names."""
        ...

    async def pending_migrations(self) -> list[str]:
        """Return the names of the missing migrations."""
        ...


def make_database(settings: Settings, root: Path) -> Database:
    """Return the database that the settings choose, not yet open.

    Args:
        settings: the settings.
        root: the folder of the project.

    Raises:
        SettingsError: a setting has a wrong value.
    """
    folder = root / settings.section("server", ServerSettings).data
    chosen = Choice(settings, COMPONENTS).one("database", Database)
    return chosen.kind(chosen.settings, folder)


def missing_file(settings: Settings, root: Path) -> Path | None:
    """Return the SQLite file that the settings name if it does not exist, else None."""
    folder = root / settings.section("server", ServerSettings).data
    file = sqlite_file(Choice(settings, COMPONENTS).one("database", Database).settings, folder)
    return file if file is not None and not is_there(file) else None


def sqlite_file(database: Any, folder: Path) -> Path | None:
    """Return the SQLite file that the settings of a database name, or None if it is no file.

    Args:
        database: the settings of the section ``[database]``.
        folder: the folder that relative paths begin at.
    """
    url = getattr(database, "url", "")
    name = unquote(url.removeprefix(SQLITE))
    return folder / name if url.startswith(SQLITE) and name != MEMORY else None


async def pending(database: Database) -> list[str]:
    """Return the names of the missing migrations; an empty list if the schema has no versions.

    Raises:
        SettingsError: the database cannot be opened with these settings.
        DatabaseUnavailable: the database does not answer.
    """
    return await database.pending_migrations() if isinstance(database, Migrating) else []
