"""A database on a MariaDB or MySQL server, with PyMySQL."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any

import peewee
import pymysql  # type: ignore[import-untyped]

from thywill.database.backend import HOUR, IDLE, MIGRATING, ServerBackend, one_line
from thywill.database.database_url import DatabaseUrl

OPTIONS = ("unix_socket", "ssl_ca", "ssl_cert", "ssl_key", "ssl_verify", "ssl_disabled")

# Text compares byte by byte: with the usual collations "a", "A" and "a " would be one client.
_TABLE = " ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE "
_MODE = "STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO"

_HINTS = {
    1040: "has no connection left: raise its max_connections, or end programs that hold them",
    1044: "has no such database, or does not let this user into it: create it, or GRANT ALL PRIVILEGES ON it",
    1045: "refuses the user or the password: check both, and from where the user may come",
    1049: "has no such database: create it (CREATE DATABASE ... CHARACTER SET utf8mb4), or name another",
    1114: "is full: make room on its disk",
    1142: "does not let this user change this database: GRANT ALL PRIVILEGES ON it to the user",
    1205: "is locked by another program: stop that one",
    1290: "is read-only: name a server that can be written, or end its read_only",
    1698: "refuses the user or the password: check both, and from where the user may come",
    1792: "is read-only: name a server that can be written, or end its read_only",
    1836: "is read-only: name a server that can be written, or end its read_only",
    1969: "took longer than [database] timeout allows: check its load, or raise the timeout",
    3024: "took longer than [database] timeout allows: check its load, or raise the timeout",
}
_WRONG_SERVER = (1047, 1053, 1207, 1290, 1792, 1836)
"""Errors of a server that is not ready in a Galera cluster, shuts down, or is read-only (the last four)."""
READ_ONLY = 1290
ADDRESS = ("host", "port", "unix_socket")
_NO_TABLE = 1146
_LOST = (2006, 2013)
_UNREACHED = (2002, 2003)
_TLS = re.compile(r"\bSSL\b|certificate|TLS", re.IGNORECASE)


class MySQLDatabase(ServerBackend, peewee.MySQLDatabase):
    """Peewee's MySQL database, with time-outs and text of any language; no value is silently cut or changed.

    Args:
        url: the address.
        timeout: seconds to wait for a connection, and for a lock.
        statement: seconds for each statement; 0 for ``timeout`` plus one.
    """

    # TEXT and BLOB end at 64 KB.
    field_types = peewee.MySQLDatabase.field_types | {"TEXT": "LONGTEXT", "BLOB": "LONGBLOB"}
    undoes_schema = False
    share_lock = " LOCK IN SHARE MODE"  # the form that MariaDB and MySQL both know
    joins_rows = True  # executemany joins up to 1 MB, which never exceeds max_allowed_packet

    def __init__(self, url: DatabaseUrl, timeout: int, statement: int = 0) -> None:
        self._url = url
        self._timeout = timeout
        # Longer than for a lock, so that a locked statement fails with an error about the lock.
        self._statement = statement or timeout + 1
        self._idle = statement or IDLE
        self._largest = 0
        url.refuse_unknown(OPTIONS)
        super().__init__(
            url.name,
            # Longer than the server's own limit, because its error says more than a time-out of the driver.
            connect_timeout=timeout,
            read_timeout=self._statement + 1,
            write_timeout=self._statement + 1,
            sql_mode=_MODE,
            **_credentials(url),
            **_addresses(url)[0],
            **_tls(url),
        )

    @property
    def label(self) -> str:
        """The URL without the password."""
        return str(self._url)

    def is_alive(self) -> bool:
        """Return whether PyMySQL considers its connection open."""
        return bool(not self.is_closed() and self.link().open)

    def descriptor(self) -> int:
        """Return the descriptor of the socket, which is private in PyMySQL."""
        return int(self.link()._sock.fileno())

    def execute_sql(self, sql: str, params: Any = None) -> Any:
        """Add the engine and the collation to CREATE TABLE, to replace the server's defaults."""
        if sql.startswith("CREATE TABLE"):
            sql += _TABLE + self._collation()
        return super().execute_sql(sql, params)  # type: ignore[no-untyped-call]

    def is_wrong_server(self, error: Exception) -> bool:
        """Decide by the number of the error."""
        return _number_and_text(error)[0] in _WRONG_SERVER

    def lacks_table(self, error: Exception) -> bool:
        """Decide by the number of the error."""
        return _number_and_text(error)[0] == _NO_TABLE

    def explain(self, error: Exception) -> str:
        """Choose the explanation by the number of the error."""
        number, text = _number_and_text(error)
        if number in _HINTS:
            return _HINTS[number]
        if _TLS.search(text):
            return f"cannot be reached by TLS: {text}; see ssl_ca and the other options of the URL"
        if number in _LOST and "timed out" not in text:
            return "has closed the connection: check that it runs"
        if number in (*_LOST, *_UNREACHED):
            return f"does not answer ({_cause(text)}): check that it runs, and that host and port are right"
        return f"cannot be used: {text}"

    def refusal(self, row: Sequence[Any]) -> str | None:
        """Refuse a row that PyMySQL or the server would always refuse, but with an ordinary error."""
        if any(isinstance(value, float) and not math.isfinite(value) for value in row):
            return "a number in it is not finite"
        # An escaped character takes two bytes, so half of the limit is always safe.
        if sum(len(value) for value in row if isinstance(value, str)) > self._largest // 2:
            return f"it is larger than half of the server's max_allowed_packet, {self._largest} bytes"
        return None

    def conflict_target(self, *columns: Any) -> list[Any]:
        """Return no column: MySQL uses all unique keys, and none can be named."""
        return []

    def patient(self) -> MySQLDatabase:
        """Return a database whose statements may take an hour."""
        return MySQLDatabase(self._url, self._timeout, HOUR)

    @contextmanager
    def migrating(self) -> Iterator[None]:
        """Hold a named lock, as no transaction covers schema changes; it ends with the connection."""
        name = f"thywill schema {self.database}"[:64]
        (got,) = self.execute_sql("SELECT GET_LOCK(%s, %s)", (name, MIGRATING)).fetchone()
        if not got:
            raise peewee.OperationalError("another server is still migrating its schema")
        self.execute_sql(f"SET SESSION {_locks(MIGRATING)}")
        yield

    def _collation(self) -> str:
        if self._is_mariadb(self.link()):
            return "utf8mb4_nopad_bin"
        return "utf8mb4_0900_bin" if self.server_version >= (8, 0, 17) else "utf8mb4_bin"

    @staticmethod
    def _is_mariadb(conn: Any) -> bool:
        return "mariadb" in conn.server_version.lower()

    def _connect(self) -> Any:
        """Connect to the first server that answers; if the URL names several, it must also accept writes."""
        *others, last = _addresses(self._url)
        for address in others:
            with suppress(peewee.PeeweeException, pymysql.MySQLError):
                return self._connect_to(address, must_write=True)
        return self._connect_to(last, must_write=bool(others))

    def _connect_to(self, address: dict[str, Any], *, must_write: bool) -> Any:
        self.connect_params = {
            name: value for name, value in self.connect_params.items() if name not in ADDRESS
        } | address
        connection = self._open()
        if must_write and _is_read_only(connection):
            connection.close()
            raise peewee.OperationalError(READ_ONLY, "it is read-only")
        return connection

    def _open(self) -> Any:
        try:
            return super()._connect()  # type: ignore[misc]
        except pymysql.InternalError as error:
            raise peewee.OperationalError(
                f"the program at this port is not a MariaDB or MySQL server ({_last(error)})"
            ) from error
        except (pymysql.MySQLError, peewee.PeeweeException):
            raise
        except Exception as error:
            # PyMySQL fails in many ways if another kind of program answers.
            raise peewee.OperationalError(f"{type(error).__name__}: {error}") from error

    def _close(self, conn: Any) -> None:
        if conn.open:
            conn.close()

    def _initialize_connection(self, conn: Any) -> None:
        # Unlike MariaDB, MySQL can limit only SELECT, and no transaction that stands still.
        longest = (
            f"max_statement_time = {self._statement}, idle_transaction_timeout = {self._idle}"
            if self._is_mariadb(conn)
            else f"max_execution_time = {self._statement * 1000}"
        )
        with conn.cursor() as cursor:
            cursor.execute(f"SET SESSION {longest}, {_locks(self._timeout)}")
            cursor.execute("SELECT @@max_allowed_packet")
            (self._largest,) = cursor.fetchone()


def _locks(seconds: int) -> str:
    return f"innodb_lock_wait_timeout = {seconds}, lock_wait_timeout = {seconds}"


def _credentials(url: DatabaseUrl) -> dict[str, Any]:
    # As bytes, because PyMySQL would encode a text as Latin 1.
    return {"user": url.user or None, "password": url.password.encode()}


def _addresses(url: DatabaseUrl) -> list[dict[str, Any]]:
    """Return the driver's arguments for each server."""
    return [_address(host, port, url.options.get("unix_socket")) for host, port in url.hosts]


def _address(host: str, port: int, socket: str | None) -> dict[str, Any]:
    socket = host if host.startswith("/") else socket
    return {"unix_socket": socket} if socket else {"host": host or "localhost", "port": port or 3306}


def _tls(url: DatabaseUrl) -> dict[str, Any]:
    files = {name: url.file(name) for name in ("ssl_ca", "ssl_cert", "ssl_key")}
    options: dict[str, Any] = {name: file for name, file in files.items() if file is not None}
    if url.switch("ssl_disabled"):
        return {"ssl_disabled": True}
    verify = url.switch("ssl_verify")
    # If an authority is set, the server's name is checked, which PyMySQL does not do by default.
    if verify or (verify is None and "ssl_ca" in options):
        options |= {"ssl_verify_cert": True, "ssl_verify_identity": True}
    return options


def _is_read_only(connection: Any) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT @@global.read_only")
        return bool(cursor.fetchone()[0])


def _number_and_text(error: Exception) -> tuple[int, str]:
    if len(error.args) > 1 and isinstance(error.args[0], int):
        return error.args[0], one_line(str(error.args[1]))
    return 0, one_line(str(error))


def _last(error: Exception) -> str:
    return one_line(str(error.args[-1]))


def _cause(text: str) -> str:
    """Return the text in brackets at the end of PyMySQL's error, without the system's error number."""
    match = re.search(r"\((?:\[Errno -?\d+\] )?(.*)\)$", text)
    return match[1] if match else text
