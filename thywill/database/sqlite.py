"""A database in a file, with SQLite."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import peewee

from thywill.config import make_folder_of
from thywill.database.backend import Backend
from thywill.database.database_url import bad
from thywill.database.file_lock import FileLock

RETRY = 0.01
"""Seconds between two tries to open a locked file."""

MEMORY = ":memory:"

_HINTS = {
    "unable to open": "cannot be opened: it must be a file, and its folder writable",
    "readonly": "cannot be written: change the rights of the file and its folder",
    "disk is full": "cannot be written: its disk is full, make room",
    "disk I/O error": "cannot be read or written: look after its disk",
    "not a database": "is not an SQLite database: name another file",
    "locked": "is locked by another program: stop that one, or name another file",
}


class SqliteDatabase(Backend, peewee.SqliteDatabase):
    """Peewee's SQLite database with settings that suit a server.

    Args:
        file: the file, or ``:memory:``.
        timeout: seconds to wait for a lock that another program holds.
        folder: the folder for data; the file's own folder is created only if it is below this one.
    """

    def __init__(self, file: str, timeout: float, folder: Path) -> None:
        self._folder = folder
        self._patience = timeout
        self._file_lock: FileLock | None = None
        self._files: dict[str, tuple[int, int] | None] = {}
        super().__init__(
            file,
            timeout=timeout,
            # A transaction that begins with a read cannot wait for another writer: SQLite refuses it.
            lock_type="IMMEDIATE",
            # With a write-ahead log, readers and the writer do not wait for each other. After a power cut
            # NORMAL may lose the last transactions, but never damages the file.
            pragmas={"journal_mode": "wal", "synchronous": "normal"},
        )

    def prepare(self) -> None:
        """Create the folder of the file, if it is below the folder for data.

        Raises:
            SettingsError: the folder of the file does not exist and is not below the folder for data.
        """
        if self.database != MEMORY:
            try:
                make_folder_of(Path(self.database), self._folder)
            except FileNotFoundError as error:
                raise bad(f"there is no folder {error.filename}: create it, or name another file") from None

    def take_lock(self) -> bool | None:
        """Lock the file ``NAME.lock`` beside the database; all symbolic links to one database share it."""
        if self.database == MEMORY or self.holds_lock:
            return True
        self._file_lock = FileLock(Path(os.path.realpath(self.database) + ".lock"))
        locked = self._file_lock.take()
        self.holds_lock = bool(locked)
        return locked

    def release_lock(self) -> None:
        """Release the lock of the file."""
        self.holds_lock = False
        if self._file_lock is not None:
            self._file_lock.release()

    def usable(self) -> bool:
        """Refuse a file that was moved away, deleted or replaced, since writes to it would be lost.

        Raises:
            OperationalError: the file was. If the same file is put back, it is used again.
        """
        moved = next((path for path in self._files if self._is_moved(path)), None)
        if moved is not None:
            raise peewee.OperationalError(
                f"{moved} was moved away, deleted or replaced while the server used it: "
                "put the same file back, or restart the server"
            )
        return True

    def _is_moved(self, path: str) -> bool:
        try:
            found = Path(path).stat()
        except OSError:
            # The file of the write-ahead log may not exist yet: it appears with the first write.
            return self._files[path] is not None
        identity = found.st_dev, found.st_ino
        known = self._files[path] = self._files[path] or identity
        return known != identity

    def _connect(self) -> Any:
        self._files = {} if self.database == MEMORY else dict.fromkeys(self._names())
        deadline = time.monotonic() + self._patience
        while True:
            try:
                return super()._connect()  # type: ignore[misc]
            except sqlite3.OperationalError as error:
                # If two programs create the write-ahead log at once, SQLite refuses one of them without a
                # wait.
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                time.sleep(RETRY)

    def files(self) -> list[Path]:
        """Return the database, its write-ahead log, their index, and the lock."""
        if self.database == MEMORY:
            return []
        return [Path(name) for name in (*self._names(), f"{self.database}.lock")]

    def _names(self) -> list[str]:
        return [f"{self.database}{end}" for end in ("", "-wal", "-shm")]

    def rollback(self) -> None:
        """Roll back, unless SQLite has done so already."""
        # SQLite does that when the disk is full. A second rollback would raise an error that hides the
        # reason.
        if self.connection().in_transaction:  # type: ignore[no-untyped-call]
            super().rollback()

    def explain(self, error: Exception) -> str:
        """Choose the explanation by words in the error of SQLite."""
        text = str(error)
        hints = (hint for words, hint in _HINTS.items() if words in text)
        return next(hints, None) or super().explain(error)

    def lacks_table(self, error: Exception) -> bool:
        """Decide by the words of SQLite's error."""
        return "no such table" in str(error)

    def failure(self, error: Exception) -> str:
        """Return SQLite's own words, which are enough: no network can be the cause."""
        return str(error)


def make_sqlite(rest: str, folder: Path, timeout: float) -> Backend:
    """Return the database of the URL ``sqlite://rest``.

    Raises:
        SettingsError: ``rest`` names no file.
    """
    if not rest.startswith("/") or rest == "/":
        raise bad("sqlite takes three slashes and a file, as in sqlite:///thywill.db")
    if "?" in rest or "#" in rest:
        raise bad("sqlite takes no options; in a file's name write ? as %3F, # as %23")
    return SqliteDatabase(_file(unquote(rest[1:]), folder), timeout, folder)


def _file(name: str, folder: Path) -> str:
    if "\0" in name:
        raise bad("a file's name has no %00")
    return MEMORY if name == MEMORY else str(folder / name)
