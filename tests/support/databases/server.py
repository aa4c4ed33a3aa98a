"""The base of all database servers of the tests."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from tests.support.databases.disk import Disk

USER = "thywill"
PASSWORD = "pä/ss:w@rd%41"
"""A password with all characters that have to be escaped in a URL."""

LIMIT = 60.0
"""Seconds for a server to start or stop."""


class DatabaseServer:
    """A server that can be stopped, killed, frozen and started again on the same port with its data.

    If root runs the tests, the server runs as the user that its package created: PostgreSQL refuses root.

    Args:
        options: more options of its command line.
    """

    scheme: ClassVar[str]
    account: ClassVar[str]

    def __init__(self, *options: str) -> None:
        self.options = options
        self.port = _free_port()
        self._frozen = False
        self.user = find_account(self.account)
        self._process: subprocess.Popen[bytes] | None = None
        self._number = 0
        self._find()
        # Not in pytest's own folder, which other users cannot enter.
        self.folder = Path(tempfile.mkdtemp(prefix="thywill-db-"))
        if self.user is not None:
            os.chown(self.folder, self.user.pw_uid, self.user.pw_gid)
        try:
            self._make()
            self.start()
            self._allow()
        except BaseException:
            self.close()
            raise

    def start(self) -> None:
        """Start it and wait until it answers."""
        self._process = self._spawn(self._command())
        process = self._process
        wait_for(lambda: process.poll() is not None or self._answers(), "a database server does not answer")
        assert process.poll() is None, self.log

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it by a signal, and wait for it."""
        process, self._process = self._process, None
        self._frozen = False
        if process is not None:
            self._signal(process, number)
            process.wait(LIMIT)

    def kill(self) -> None:
        """End it as a crash does."""
        self.stop(signal.SIGKILL)

    def freeze(self) -> None:
        """Stop it from answering; all its connections stay open."""
        assert self._process is not None
        self._frozen = True
        self._signal(self._process, signal.SIGSTOP)
        # A running thread continues for a moment and might answer.
        wait_for(self._is_still, "a database server does not freeze")

    def thaw(self) -> None:
        """Let a frozen server go on."""
        assert self._process is not None
        self._frozen = False
        self._signal(self._process, signal.SIGCONT)

    def is_well(self) -> bool:
        """Return whether it runs and is not frozen."""
        return self._process is not None and self._process.poll() is None and not self._frozen

    def close(self) -> None:
        """End it, and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def make_database(self, options: str = "") -> str:
        """Return the name of a new, empty database that the user may do everything in."""
        self._number += 1
        name = f"test{self._number}"
        self.execute(f"CREATE DATABASE {name} {options}")
        self._grant(name)
        return name

    def url(self, name: str, **changes: Any) -> str:
        """Return the URL of a database; ``changes`` replaces user, password, host, port or options."""
        parts = {"user": USER, "password": PASSWORD, "host": "127.0.0.1", "port": self.port} | changes
        user, password = quote(parts["user"], safe=""), quote(parts["password"], safe="")
        options = f"?{parts['options']}" if "options" in parts else ""
        return f"{self.scheme}://{user}:{password}@{parts['host']}:{parts['port']}/{name}{options}"

    def connect(self, database: str | None = None) -> Any:
        """Return a connection of the driver's, as the server's own administrator."""
        raise NotImplementedError

    def execute(self, statement: str, database: str | None = None) -> list[Any]:
        """Run a statement as the server's own administrator; return its rows."""
        with contextlib.closing(self.connect(database)) as connection:
            cursor = connection.cursor()
            cursor.execute(statement)
            return list(cursor.fetchall()) if cursor.description else []

    def revoke(self, name: str) -> None:
        """Allow the user to connect to a database, but not to change anything there."""
        raise NotImplementedError

    @property
    def log(self) -> str:
        """The last lines that it printed."""
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def _find(self) -> None:
        raise NotImplementedError

    def _make(self) -> None:
        raise NotImplementedError

    def _command(self) -> list[str]:
        raise NotImplementedError

    def _allow(self) -> None:
        raise NotImplementedError

    def _grant(self, name: str) -> None:
        raise NotImplementedError

    def _answers(self) -> bool:
        try:
            # The administrator's connection, for tests.
            socket.create_connection(("127.0.0.1", self.port)).close()
            self.execute("SELECT 1")
        except Exception:
            return False
        return True

    def _is_still(self) -> bool:
        assert self._process is not None
        pids = [self._process.pid, *children_of(self._process.pid)]
        return all(state in "TZ" for pid in pids for state in thread_states(pid))

    def _run(self, command: list[str]) -> None:
        process = self._spawn(command)
        assert process.wait(LIMIT) == 0, self.log

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        """Start a command as the leader of a process group, so that its helpers are reached as well."""
        identity: dict[str, Any] = {}
        if self.user is not None:
            identity = {"user": self.user.pw_uid, "group": self.user.pw_gid, "extra_groups": []}
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self.folder,
                env=environment | {"HOME": str(self.folder), "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                **identity,
            )

    def _signal(self, process: subprocess.Popen[bytes], number: signal.Signals) -> None:
        if number is signal.SIGTERM:
            process.send_signal(number)
        else:
            os.killpg(process.pid, number)

    @contextlib.contextmanager
    def small_disk(self) -> Iterator[Disk]:
        """Give a disk that is soon full, for a ``with`` block."""
        disk = Disk(self.folder / "disk", self.user)
        try:
            yield disk
        finally:
            self.kill()
            disk.remove()

    def make_database_on(self, disk: Disk) -> str:
        """Return the name of a new database whose tables are on that disk."""
        raise NotImplementedError


def wait_for(condition: Callable[[], bool], otherwise: str) -> None:
    """Wait until ``condition()`` is true."""
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.02)


def children_of(pid: int) -> list[int]:
    """Return the child processes of ``pid``, zombies included."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:  # it has ended
        return []
    return [int(child) for child in text.split()]


def thread_states(pid: int) -> list[str]:
    """Return the state of each thread of a process, such as T for stopped (proc(5)); none once it is gone."""
    try:
        stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    except OSError:
        return []
    return [text.rpartition(")")[2].split()[0] for text in stats]


def has_ended(pid: int) -> bool:
    """Return whether a process has ended; a zombie counts as ended."""
    return all(state == "Z" for state in thread_states(pid))


def find_account(name: str) -> pwd.struct_passwd | None:
    """Return the user that root runs the server as; None if somebody else runs the tests."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name: entry for entry in pwd.getpwall()}
    return known.get(name) or known["nobody"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
    return port
