"""A MariaDB server."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from typing import Any

import pytest

from tests.browser.drivers.programs import require
from tests.support.databases.disk import Disk
from tests.support.databases.server import PASSWORD, USER, DatabaseServer


class MariaDB(DatabaseServer):
    """MariaDB."""

    scheme = "mysql"
    account = "mysql"

    @property
    def socket(self) -> str:
        """The path of its socket."""
        return str(self.folder / "socket")

    def connect(self, database: str | None = None) -> Any:
        """Connect as root over the socket."""
        pymysql = pytest.importorskip("pymysql")
        connection = pymysql.connect(user="root", database=database, autocommit=True, defer_connect=True)
        # PyMySQL does not close a socket that failed to connect; the garbage collector does.
        with contextlib.ExitStack() as stack:
            sock = stack.enter_context(socket.socket(socket.AF_UNIX))
            sock.connect(self.socket)
            connection.connect(sock)
            stack.pop_all()
        return connection

    def make_database_on(self, disk: Disk) -> str:
        """Create a database and move its folder to the disk."""
        name = self.make_database()
        own = self.folder / "data" / name
        for path in own.iterdir():
            moved = disk.folder / path.name
            shutil.move(path, moved)
            os.chmod(moved, 0o666)  # noqa: PTH101
        own.rmdir()
        own.symlink_to(disk.folder)
        return name

    def revoke(self, name: str) -> None:
        """Take all rights from the user but SELECT."""
        self.execute(f"REVOKE ALL PRIVILEGES ON {name}.* FROM '{USER}'@'%'")
        self.execute(f"GRANT SELECT ON {name}.* TO '{USER}'@'%'")

    def _find(self) -> None:
        self._program = require("mariadbd", "mariadb-server")
        self._installer = require("mariadb-install-db", "mariadb-server")

    def _make(self) -> None:
        self._run([self._installer, *self._settings(), "--auth-root-authentication-method=normal"])

    def _command(self) -> list[str]:
        return [
            self._program,
            *self._settings(),
            *self.options,
            f"--socket={self.socket}",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            f"--pid-file={self.folder}/pid",
            "--skip-name-resolve",
            # Settings of an older server; thywill must work with both.
            "--character-set-server=latin1",
            "--sql-mode=ANSI",
            "--innodb-flush-log-at-trx-commit=2",
            "--innodb-buffer-pool-size=64M",
        ]

    def _settings(self) -> list[str]:
        # Only a server that root starts may have the option --user. A server that starts deletes all
        # temporary tables in ``tmpdir``, so no two servers may share it.
        folders = [f"--datadir={self.folder}/data", f"--tmpdir={self.folder}"]
        return ["--no-defaults", *folders, "--skip-log-bin"]

    def _allow(self) -> None:
        self.execute(f"CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}'")

    def _grant(self, name: str) -> None:
        self.execute(f"GRANT ALL PRIVILEGES ON {name}.* TO '{USER}'@'%'")
