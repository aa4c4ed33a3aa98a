"""Makes the database that the setting ``url`` names."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from pathlib import Path

from thywill.database.backend import Backend
from thywill.database.database_url import bad, parse
from thywill.database.sqlite import make_sqlite
from thywill.errors import SettingsError


def make_database(url: str, folder: Path, timeout: float) -> Backend:
    """Return the database of ``url``, not yet connected.

    Args:
        url: such as ``sqlite:///thywill.db`` or ``postgresql://user:password@host/thywill``.
        folder: the folder for a relative file name.
        timeout: seconds to wait for a lock that another program holds; with a database server also for a
            connection, and one more second for each statement.

    Raises:
        SettingsError: the URL is malformed, its scheme is not supported, or the driver for it is missing.
    """
    # The URL may hold a password, so error messages repeat only its scheme.
    scheme, separator, rest = url.partition("://")
    if not separator or not scheme.isalnum():
        raise bad("write it as a URL, such as sqlite:///thywill.db")
    if scheme not in _MAKERS:
        raise bad(f"unknown scheme {scheme!r}; supported: {', '.join(sorted(_MAKERS))}")
    return _MAKERS[scheme](scheme, rest, folder, timeout)


def _make_sqlite(_scheme: str, rest: str, folder: Path, timeout: float) -> Backend:
    return make_sqlite(rest, folder, timeout)


def _make_mysql(scheme: str, rest: str, folder: Path, timeout: float) -> Backend:
    url = parse(scheme, rest, folder)
    try:
        from thywill.database.mysql import MySQLDatabase
    except ImportError:
        raise _missing(scheme, "PyMySQL") from None
    return MySQLDatabase(url, _whole(timeout))


def _make_postgresql(scheme: str, rest: str, folder: Path, timeout: float) -> Backend:
    url = parse(scheme, rest, folder)
    try:
        from thywill.database.postgresql import PostgresqlDatabase
    except ImportError:  # also if psycopg is installed without libpq
        raise _missing(scheme, "psycopg[binary]") from None
    return PostgresqlDatabase(url, _whole(timeout))


def _whole(timeout: float) -> int:
    # Database servers accept whole seconds, and for some of them 0 means no limit.
    return max(1, math.ceil(timeout))


def _missing(scheme: str, package: str) -> SettingsError:
    return bad(f"{scheme} needs a driver. Install it with: {sys.executable} -m pip install '{package}'")


_MAKERS: dict[str, Callable[[str, str, Path, float], Backend]] = {
    "sqlite": _make_sqlite,
    "mysql": _make_mysql,
    "mariadb": _make_mysql,
    "postgresql": _make_postgresql,
    "postgres": _make_postgresql,
}
