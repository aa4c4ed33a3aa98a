"""One database connection in one thread of its own."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import peewee

from thywill.database.backend import Backend
from thywill.database.base import DatabaseUnavailable
from thywill.database.schema import check_writable, migrate, pending
from thywill.errors import SettingsError

P = ParamSpec("P")
T = TypeVar("T")

PAUSE = 1.0
"""Seconds for which a database that could not be reached is not tried again: each try may take the whole
time-out, and all who ask meanwhile would wait for theirs, one after another."""


class Connection:
    """Runs functions that use Peewee in one thread, one after another, away from the event loop.

    Peewee blocks and keeps its connection for each thread, and SQLite has one writer at a time anyhow: so one
    thread is both the simplest and, with batches, fast enough. With one thread there is one connection and
    nothing to pool. It is opened again when it is lost, but no function is ever called again: whether a
    transaction that was cut off has been committed, only its caller can know.

    Args:
        database: the database.
        migrations: the folder of the migration scripts.
        refuse: do not apply migrations at the start, but refuse it where there are any.
    """

    def __init__(self, database: Backend, migrations: Path, *, refuse: bool = False) -> None:
        self.database = database
        self._migrations = migrations
        self._refuse = refuse
        self._thread: ThreadPoolExecutor | None = None
        self._away_until = 0.0
        self._away = ""

    async def open(self) -> None:
        """Connect, create what is missing, and apply the migrations.

        Raises:
            SettingsError: one of these is not possible.
        """
        await self._start(self._open)

    async def migrate(self) -> list[str]:
        """Apply the migrations and let go of the database; return the names of those that were missing.

        Raises:
            SettingsError: it is not possible.
        """
        try:
            return await self._start(self._migrate)
        finally:
            await self.close()

    async def pending(self) -> list[str]:
        """Return the names of the migrations that the database has not had, and let go of it.

        Raises:
            SettingsError: it cannot be asked.
        """
        try:
            return await self._start(self._pending)
        finally:
            await self.close()

    async def close(self) -> None:
        """Finish what was handed over, and disconnect; nothing happens if it is closed already."""
        thread, self._thread = self._thread, None
        if thread is not None:
            await asyncio.get_running_loop().run_in_executor(thread, self.database.close)
            thread.shutdown()

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call ``function`` in the thread and return its result; a connection that was lost is opened before.

        Raises:
            DatabaseUnavailable: the database refused or failed, or the connection is not open.
        """
        if self._thread is None:
            raise DatabaseUnavailable("it is not open")
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._thread, lambda: self._call(function, *args, **kwargs))
        except peewee.PeeweeException as error:
            raise DatabaseUnavailable(self.database.reason(_first(error))) from error

    async def _start(self, function: Callable[[], T]) -> T:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="thywill-database")
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, function)
        except BaseException:
            await self.close()
            raise

    def _call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self.database.is_closed() or not self.database.usable():
            self._connect_again()
        return function(*args, **kwargs)

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
                    f"[database] migrate: {self.database.label} lacks {len(missing)} migrations, "
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
        # Where only the preparation of the connection failed, Peewee takes it for open.
        database.close()
        raise


def _first(error: BaseException) -> Exception:
    """Return what failed first: cleaning up after a lost connection fails as well, and says nothing."""
    first: BaseException | None = error
    found = error
    while first is not None:
        found = first if isinstance(first, peewee.PeeweeException) else found
        first = first.__context__
    return found if isinstance(found, Exception) else Exception(found)
