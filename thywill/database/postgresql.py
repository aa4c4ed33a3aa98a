"""A database on a PostgreSQL server, with psycopg 3."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

import peewee
import psycopg

from thywill.database.backend import HOUR, IDLE, MIGRATING, ServerBackend, one_line
from thywill.database.database_url import DatabaseUrl

OPTIONS = ("host", "target_session_attrs", "sslmode", "sslrootcert", "sslcert", "sslkey")
FILES = ("sslrootcert", "sslcert", "sslkey")
SYSTEM = "system"
"""The value of sslrootcert for the authorities that the system trusts."""

LOCK = int.from_bytes(b"thywill", "big")
"""The number of the advisory lock around migrations; each database has its own advisory locks."""

_USER = "refuses the user or the password: check both, and what pg_hba.conf allows"
_AWAY = "does not answer: check that it runs, and that host and port are right"
_LOST = "has closed the connection: check that it runs"
_HINTS = {
    "password authentication failed": _USER,
    "authentication failed": _USER,
    "no password supplied": _USER,
    "no pg_hba.conf entry": _USER,
    'role "': _USER,
    'database "': "has no such database: create it (CREATE DATABASE ... ENCODING 'UTF8'), or name another",
    "too many clients": "has no connection left: raise its max_connections, or end programs that hold them",
    "starting up": "is starting: wait a little",
    "shutting down": "is stopping: check whether it comes back",
    "closed the connection": _LOST,
    "connection is closed": _LOST,
    "connection is lost": _LOST,
    "session is read-only": "is read-only: name the server that can be written, or all of them",
    "server is in hot standby": "is a standby: name the server that can be written, or all of them",
    "onnection refused": _AWAY,
    "timeout expired": _AWAY,
    "No such file or directory": _AWAY,
    "failed to resolve": _AWAY,
    "could not translate host name": _AWAY,
    "No route to host": _AWAY,
    "Network is unreachable": _AWAY,
}
_TLS = ("SSL", "certificate", "sslmode")
_WRONG_SERVER = ("25006", "57P01", "57P02", "57P03")
_NO_TABLE = "42P01"
_STATES = {
    "25006": "is read-only: name a server that can be written, or end its default_transaction_read_only",
    "25P03": "has ended a transaction that stood still: this machine was suspended, or is too busy",
    "42501": "does not let this user change this database: make the user its owner, or GRANT what is missing",
    "53100": "is full: make room on its disk",
    "53300": _HINTS["too many clients"],
    "55P03": "is locked by another program: stop that one",
    "57014": "took longer than [database] timeout allows: check its load, or raise the timeout",
    "57P01": _LOST,
    "57P02": _LOST,
    "57P03": "is starting or stopping: wait a little",
}


class WatchedConnection(psycopg.Connection[Any]):
    """psycopg's connection, which is closed when the server is silent for too long."""

    patience: float = HOUR
    """Seconds without a byte after which the connection is closed."""

    def wait(self, gen: Any, *args: Any, **kwargs: Any) -> Any:
        """Wait as psycopg does, as long as bytes arrive within ``patience``."""
        return super().wait(self._watch(gen), *args, **kwargs)

    def _watch(self, steps: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        heard = time.monotonic()
        try:
            wanted = next(steps)
            while True:
                ready = yield wanted
                if ready:
                    heard = time.monotonic()
                elif time.monotonic() - heard > self.patience:
                    self.close()
                    raise psycopg.OperationalError(f"the server is silent for {self.patience:g} s")
                wanted = steps.send(ready)
        except StopIteration as end:
            return end.value


class PostgresqlDatabase(ServerBackend, peewee.PostgresqlDatabase):
    """Peewee's PostgreSQL database with time-outs.

    Args:
        url: the address.
        timeout: seconds to wait for a connection, and for a lock.
        statement: seconds for each statement; 0 for ``timeout`` plus one.
    """

    share_lock = " FOR SHARE"

    def __init__(self, url: DatabaseUrl, timeout: int, statement: int = 0) -> None:
        self._url = url
        self._timeout = timeout
        # Longer than for a lock, so that a locked statement fails with an error about the lock.
        self._statement = statement or timeout + 1
        self._idle = statement or IDLE
        url.refuse_unknown(OPTIONS)
        super().__init__(
            url.name,
            prefer_psycopg3=True,
            # libpq accepts no less than two seconds.
            connect_timeout=max(2, timeout),
            **_where(url),
            **_tls(url),
        )

    @property
    def label(self) -> str:
        """The URL without the password."""
        return str(self._url)

    def is_alive(self) -> bool:
        """Return whether psycopg considers its connection open."""
        return not self.is_closed() and not self.link().closed

    def descriptor(self) -> int:
        """Return the descriptor of the socket."""
        return int(self.link().fileno())

    def is_wrong_server(self, error: Exception) -> bool:
        """Decide by the SQLSTATE of the error."""
        return _state(error) in _WRONG_SERVER

    def lacks_table(self, error: Exception) -> bool:
        """Decide by the SQLSTATE of the error."""
        return _state(error) == _NO_TABLE

    def explain(self, error: Exception) -> str:
        """Choose the explanation by the SQLSTATE of the error, or by its words if it has none."""
        text = one_line(str(error))
        state = _state(error)
        if state in _STATES:
            return _STATES[state]
        hints = [hint for words, hint in _HINTS.items() if words in text] if state is None else []
        if hints:
            return hints[0]
        if state is None and any(word in text for word in _TLS):
            return f"cannot be reached by TLS: {text}; see sslmode and the other options of the URL"
        return f"cannot be used: {text}"

    def patient(self) -> PostgresqlDatabase:
        """Return a database whose statements may take an hour."""
        return PostgresqlDatabase(self._url, self._timeout, HOUR)

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """Hold an advisory lock around one transaction."""
        with self.atomic():
            self.execute_sql(f"SET LOCAL lock_timeout = '{MIGRATING}s'")  # type: ignore[no-untyped-call]
            self.execute_sql("SELECT pg_advisory_xact_lock(%s)", (LOCK,))  # type: ignore[no-untyped-call]
            yield

    def _connect(self) -> Any:
        conn = WatchedConnection.connect(
            dbname=self.database, client_encoding="UTF8", autocommit=True, **self.connect_params
        )
        # Longer than the server's own limit, because its error says more than a time-out of the driver.
        conn.patience = self._statement + 1
        return conn

    def _initialize_connection(self, conn: Any) -> None:
        encoding = conn.pgconn.parameter_status(b"server_encoding").decode()
        if encoding != "UTF8":
            raise peewee.OperationalError(
                f"its encoding is {encoding}, which cannot store text of every language: "
                "create the database with ENCODING 'UTF8'"
            )
        conn.execute(
            "SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false),"
            " set_config('idle_in_transaction_session_timeout', %s, false)",
            (f"{self._statement}s", f"{self._timeout}s", f"{self._idle}s"),
        )


def _state(error: Exception) -> str | None:
    state: str | None = getattr(getattr(error, "orig", error), "sqlstate", None)
    return state


def _where(url: DatabaseUrl) -> dict[str, Any]:
    # Empty values are left out, so that libpq uses its own defaults: ~/.pgpass, the user of the system.
    several = len(url.hosts) > 1
    where = {
        "host": ",".join(host for host, _ in url.hosts) or url.options.get("host"),
        "port": ",".join(str(port or 5432) for _, port in url.hosts) if several else url.hosts[0][1] or None,
        "user": url.user or None,
        "password": url.password or None,
        # Of several servers, connect to the one that accepts writes: the others are its replicas.
        "target_session_attrs": url.options.get("target_session_attrs")
        or ("read-write" if several else None),
    }
    return {name: value for name, value in where.items() if value is not None}


def _tls(url: DatabaseUrl) -> dict[str, Any]:
    options: dict[str, Any] = {name: value for name, value in url.options.items() if name.startswith("ssl")}
    for name in FILES:
        if options.get(name, SYSTEM) != SYSTEM:
            options[name] = url.file(name)
    return options
