"""From the ``url`` of the settings to Peewee's database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote

import peewee

from thywill.errors import SettingsError

MEMORY = ":memory:"


class SqliteDatabase(peewee.SqliteDatabase):
    """Peewee's, but for what follows a fatal error."""

    def rollback(self) -> None:
        """Roll back, unless SQLite has done so."""
        # As it does when the disk is full: a second rollback would raise, and hide the reason of the first.
        if self.connection().in_transaction:  # type: ignore[no-untyped-call]
            super().rollback()


def make_database(url: str, folder: Path, timeout: float) -> peewee.Database:
    """Return Peewee's database for ``url``, not yet connected.

    Args:
        url: such as ``sqlite:///thywill.db``.
        folder: where a relative file name begins.
        timeout: seconds to wait for a lock that somebody else holds.

    Raises:
        SettingsError: the URL is malformed, or its scheme is not supported.
    """
    # A URL may hold a password one day, so no message repeats more of it than the scheme.
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise SettingsError("[database] url: write it as a URL, such as sqlite:///thywill.db")
    if scheme not in _MAKERS:
        supported = ", ".join(sorted(_MAKERS))
        raise SettingsError(f"[database] url: unknown scheme {scheme!r}; supported: {supported}")
    return _MAKERS[scheme](rest, folder, timeout)


def _make_sqlite(rest: str, folder: Path, timeout: float) -> peewee.Database:
    if not rest.startswith("/") or rest == "/":
        raise SettingsError(
            "[database] url: sqlite takes three slashes and a file, as in sqlite:///thywill.db"
        )
    if "?" in rest or "#" in rest:
        raise SettingsError(
            "[database] url: sqlite takes no options; in a file's name write ? as %3F, # as %23"
        )
    return SqliteDatabase(
        _sqlite_file(unquote(rest[1:]), folder),
        timeout=timeout,
        # A transaction that begins by reading could not wait for another writer: SQLite refuses it at once.
        lock_type="IMMEDIATE",
        # With a write-ahead log, readers and the writer do not wait for each other. NORMAL may lose the last
        # batches at a power cut, never the file.
        pragmas={"journal_mode": "wal", "synchronous": "normal"},
    )


def _sqlite_file(name: str, folder: Path) -> str:
    if "\0" in name:
        raise SettingsError("[database] url: a file's name has no %00")
    return MEMORY if name == MEMORY else str(folder / name)


_MAKERS: dict[str, Callable[[str, Path, float], peewee.Database]] = {"sqlite": _make_sqlite}
