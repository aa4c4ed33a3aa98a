"""The thread that holds the one database connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import peewee

from thywill.core.text import counted
from thywill.database.backend import Backend
from thywill.database.base import DatabaseContradiction, DatabaseUnavailable
from thywill.database.schema import check_writable, migrate, pending
from thywill.errors import SettingsError

P = ParamSpec("P")
T = TypeVar("T")

PAUSE = 1.0
"""Seconds for which a database that could not be reached is not tried again. Each try may take as long as the
time-out, and all callers would wait for their tries one after another."""


class DatabaseThread:
    """Runs functions that use Peewee in one thread, one after another, so that the event loop does not block.

    Peewee blocks and has one connection for each thread, and SQLite allows one writer at a time. So one
    thread is the simplest solution and, with batches, fast enough. A lost connection is opened again, but a
    failed function is not called again: its transaction may have been committed, and only its caller knows
    whether it may run twice.

    Args:
        database: the database.
        migrations: the folder of the migration scripts.
        refuse: whether to fail at the start when migrations are missing, instead of applying them.
    """

    def __init__(self, database: Backend, migrations: Path, *, refuse: bool = False) -> None:
        self.database = database
        self._migrations = migrations
        self._refuse = refuse
        self._executor: ThreadPoolExecutor | None = None
        self._away_until = 0.0
        self._away = ""

    async def open(self) -> None:
        """Connect, create missing files, and apply the migrations.

        Raises:
            SettingsError: one of these failed.
        """
        await self._start(self._open)

    async def migrate(self) -> list[str]:
        """Apply the missing migrations and disconnect; return their names.

        Raises:
            SettingsError: the database cannot be reached, or a migration failed.
        """
        try:
            return await self._start(self._migrate)
        finally:
            await self.close()

    async def pending(self) -> list[str]:
        """Return the names of the missing migrations, and disconnect.

        Raises:
            SettingsError: the database cannot be reached.
        """
        try:
            return await self._start(self._pending)
        finally:
            await self.close()

    async def close(self) -> None:
        """Run the functions that still wait, and disconnect; a second call does nothing."""
        executor, self._executor = self._executor, None
        if executor is not None:
            await asyncio.get_running_loop().run_in_executor(executor, self.database.close)
            executor.shutdown()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function`` in the thread and return its result; open a lost connection first.

        Raises:
            DatabaseUnavailable: the database refused or failed, or cannot be reached.
        """
        if self._executor is None:
            raise DatabaseUnavailable("it is not open")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._executor, lambda: self._call(function, *args, **kwargs))
        except peewee.PeeweeException as error:
            first = _first(error)
            is_contradiction = isinstance(first, peewee.IntegrityError) or self.database.lacks_table(first)
            kind = DatabaseContradiction if is_contradiction else DatabaseUnavailable
            raise kind(self.database.reason(first)) from error

    async def _start(self, function: Callable[[], T]) -> T:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="thywill-database")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._executor, function)
        except BaseException:
            await self.close()
            raise

    def _call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self.database.is_closed() or not self.database.usable():
            self._connect_again()
        try:
            return function(*args, **kwargs)
        except peewee.PeeweeException as error:
            if self.database.is_wrong_server(_first(error)):
                self.database.close()  # the next call asks anew where the database is
            raise

    def _connect_again(self) -> None:
        if time.monotonic() < self._away_until:
            raise DatabaseUnavailable(self._away)
        self.database.close()
        try:
            _connect(self.database)
        except peewee.PeeweeException as error:
            self._away = self.database.reason(_first(error))
            self._away_until = time.monotonic() + PAUSE
            raise

    def _open(self) -> None:
        with self._explained():
            missing = self._connect_and_ask()
            if missing and self._refuse:
                raise SettingsError(
                    f"[database] migrate: {self.database.label} lacks {counted(len(missing), 'migration')}, "
                    f"{', '.join(missing)}: apply them with `python run.py migrate`"
                )
            if missing:
                self._apply()
            else:
                check_writable(self.database, self._migrations)

    def _migrate(self) -> list[str]:
        with self._explained():
            return self._apply() if self._connect_and_ask() else []

    def _pending(self) -> list[str]:
        with self._explained():
            return self._connect_and_ask()

    def _connect_and_ask(self) -> list[str]:
        self.database.prepare()
        _connect(self.database)
        return pending(self.database, self._migrations)

    def _apply(self) -> list[str]:
        patient = self.database.patient()
        if patient is self.database:
            return migrate(self.database, self._migrations)
        _connect(patient)
        try:
            return migrate(patient, self._migrations)
        finally:
            patient.close()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise SettingsError(
                f"[database] url: cannot create {error.filename}: {error.strerror}"
            ) from error
        except peewee.PeeweeException as error:
            reason = self.database.explain(_first(error))
            raise SettingsError(f"[database] url: {self.database.label} {reason}") from error


def _connect(database: Backend) -> None:
    try:
        database.connect()
    except BaseException:
        # Peewee considers the connection open if only its preparation failed.
        database.close()
        raise


def _first(error: BaseException) -> Exception:
    """Return the first error of a chain: a clean-up after it may have failed, too, with a useless error."""
    first: BaseException | None = error
    found = error
    while first is not None:
        found = first if isinstance(first, peewee.PeeweeException) else found
        first = first.__context__
    return found if isinstance(found, Exception) else Exception(found)
