"""Real database servers: MariaDB and PostgreSQL, on free ports and in temporary folders."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.support.databases.mariadb import MariaDB
from tests.support.databases.postgresql import PostgreSQL
from tests.support.databases.server import PASSWORD, USER, DatabaseServer, find_account

__all__ = [
    "KINDS",
    "PASSWORD",
    "USER",
    "DatabaseServer",
    "MariaDB",
    "PostgreSQL",
    "Servers",
    "running_servers",
]

KINDS: dict[str, type[DatabaseServer]] = {"mariadb": MariaDB, "postgresql": PostgreSQL}


class Servers:
    """One server of each kind, started when it is first asked for."""

    def __init__(self) -> None:
        self._running: dict[str, DatabaseServer] = {}
        self._folders: list[Path] = []

    def get(self, kind: str) -> DatabaseServer:
        """Return the running server of a kind: "mariadb" or "postgresql"."""
        if kind not in self._running:
            self._running[kind] = KINDS[kind]()
        return self._running[kind]

    def mend(self, kind: str) -> None:
        """Start a server again that a test has left stopped or frozen."""
        server = self.get(kind)
        if not server.is_well():
            server.kill()
            server.start()

    def new_url(self, kind: str) -> str:
        """Return the URL of a new database."""
        server = self.get(kind)
        return server.url(server.make_database())

    def with_tls(self, kind: str, certificate: Path, key: Path) -> DatabaseServer:
        """Return a new server with this certificate. The caller closes it."""
        folder = Path(tempfile.mkdtemp(prefix="thywill-tls-"))
        files = [Path(shutil.copy(path, folder)) for path in (certificate, key)]
        user = find_account(KINDS[kind].account)
        for path in (folder, *files):
            if user is not None:
                os.chown(path, user.pw_uid, user.pw_gid)
        files[1].chmod(0o600)
        names = ("ssl-cert", "ssl-key") if kind == "mariadb" else ("ssl_cert_file", "ssl_key_file")
        options = [f"--{name}={path}" for name, path in zip(names, files, strict=True)]
        self._folders.append(folder)
        return KINDS[kind](*options, *(["--ssl=on"] if kind == "postgresql" else []))

    def close(self) -> None:
        """End all of them."""
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)
        for server in self._running.values():
            server.close()


def running_servers() -> Iterator[Servers]:
    """Yield the servers, and stop them afterwards."""
    servers = Servers()
    try:
        yield servers
    finally:
        servers.close()
