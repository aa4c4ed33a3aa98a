"""One database connection in one thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import ParamSpec, TypeVar

import peewee

from thywill.components.database.base import DatabaseUnavailable
from thywill.components.database.schema import migrate
from thywill.components.database.urls import MEMORY
from thywill.errors import SettingsError

P = ParamSpec("P")
T = TypeVar("T")

_HINTS = {
    "unable to open": "cannot be opened: it must be a file, and its folder writable",
    "readonly": "cannot be written: change the rights of the file and its folder",
    "not a database": "is not an SQLite database: name another file",
    "locked": "is locked by another program: stop that one, or name another file",
}


class Connection:
    """Runs functions that use Peewee in one thread, one after another, away from the event loop.

    Peewee blocks and keeps its connection for each thread, and SQLite has one writer at a time anyhow: so one
    thread is both the simplest and, with batches, fast enough.

    Args:
        database: Peewee's database.
        migrations: the folder of the migration scripts.
    """

    def __init__(self, database: peewee.Database, migrations: Path) -> None:
        self.database = database
        self._migrations = migrations
        self._thread: ThreadPoolExecutor | None = None

    async def open(self) -> None:
        """Connect, create what is missing, and apply the migrations.

        Raises:
            SettingsError: one of these is not possible.
        """
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="thywill-database")
        try:
            await asyncio.get_running_loop().run_in_executor(self._thread, self._open)
        except BaseException:
            await self.close()
            raise

    async def close(self) -> None:
        """Finish what was handed over, and disconnect; nothing happens if it is closed already."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self.database.close)
            thread.shutdown()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function`` in the thread and return its result.

        Raises:
            DatabaseUnavailable: the database refused or failed, or the connection is not open.
        """
        if self._thread is None:
            raise DatabaseUnavailable("it is not open")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, lambda: function(*args, **kwargs))
        except peewee.PeeweeException as error:
            raise DatabaseUnavailable(str(error)) from error

    def _open(self) -> None:
        try:
            self._make_folder()
            self.database.connect()
            migrate(self.database, self._migrations)
        except OSError as error:
            raise SettingsError(
                f"[database] url: cannot create {error.filename}: {error.strerror}"
            ) from error
        except peewee.PeeweeException as error:
            raise SettingsError(f"[database] url: {self.database.database} {_explain(error)}") from error

    def _make_folder(self) -> None:
        if self.database.database != MEMORY:
            Path(self.database.database).parent.mkdir(parents=True, exist_ok=True)


def _explain(error: peewee.PeeweeException) -> str:
    text = str(error)
    for words, hint in _HINTS.items():
        if words in text:
            return hint
    return f"cannot be used: {text}"
