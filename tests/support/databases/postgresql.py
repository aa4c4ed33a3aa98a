"""A PostgreSQL server."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.browser.drivers.programs import provide
from tests.gate.environment import MissingProgram
from tests.support.databases.disk import Disk
from tests.support.databases.server import PASSWORD, USER, DatabaseServer, children_of, has_ended, wait_for


class PostgreSQL(DatabaseServer):
    """PostgreSQL."""

    scheme = "postgresql"
    account = "postgres"

    @property
    def socket(self) -> str:
        """The folder of its socket."""
        return str(self.folder)

    def connect(self, database: str | None = None) -> Any:
        """Connect as the superuser over the socket."""
        psycopg = pytest.importorskip("psycopg")
        return psycopg.connect(
            host=self.socket, port=self.port, user="boss", dbname=database or "postgres", autocommit=True
        )

    def make_database_on(self, disk: Disk) -> str:
        """Create a database in a tablespace on the disk."""
        self.execute(f"CREATE TABLESPACE small LOCATION '{disk.folder}'")
        return self.make_database("TABLESPACE small")

    def revoke(self, name: str) -> None:
        """Take the user's own rights away, so that those of every user remain."""
        self.execute(f"ALTER DATABASE {name} OWNER TO boss")

    def _find(self) -> None:
        self._programs = provide(_postgresql_programs)

    def _make(self) -> None:
        initdb = [str(self._programs / "initdb"), "-D", f"{self.folder}/data", "-U", "boss", "-E", "UTF8"]
        self._run([*initdb, "--no-sync", "--auth-local=trust", "--auth-host=scram-sha-256"])

    def _command(self) -> list[str]:
        settings = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "max_connections": 30,
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [str(self._programs / "postgres"), "-D", f"{self.folder}/data", *options, *self.options]

    def _allow(self) -> None:
        self.execute(f"CREATE USER {USER} PASSWORD '{PASSWORD}'")

    def _grant(self, name: str) -> None:
        self.execute(f"ALTER DATABASE {name} OWNER TO {USER}")

    def _signal(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        # Each process of PostgreSQL is in its own group. On SIGINT it does not wait for its clients.
        if number is signal.SIGTERM:
            process.send_signal(signal.SIGINT)
            return
        children = children_of(process.pid)
        for pid in [process.pid, *children]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        if number is signal.SIGKILL:
            # The next start fails while one of them still uses the shared memory.
            wait_for(lambda: all(map(has_ended, children)), "a process of PostgreSQL does not end")


def _postgresql_programs() -> Path:
    """Return the newest folder of programs. Debian has a folder for each version, and none is in PATH."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[4]))
    if found:
        return found[-1].parent
    elsewhere = shutil.which("initdb")
    if elsewhere is None:
        raise MissingProgram("initdb", "postgresql")
    return Path(elsewhere).resolve().parent
