"""The server under audit, a process: starts, kills and stops it, fills its disk, locks its database."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import resource
import signal
import socket
import sqlite3
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.gate.environment import ROOT

HERE = Path(__file__).parent
START_SECONDS = 120.0
STOP_SECONDS = 120.0


@dataclass(frozen=True)
class Place:
    """Where a server runs and what it is told.

    Args:
        folder: for its data, settings and output.
        root: the folder with the ``run.py`` that is audited.
        settings: by section, as in the settings file.
        environment: more variables for the process.
        command: what is run; ``run.py`` with the settings if empty.
    """

    folder: Path
    root: Path = ROOT
    settings: dict[str, Any] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()


def free_port() -> int:
    """Return a port below those that the system gives to connections, so that a restart finds it free."""
    while True:
        port = random.randrange(20_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def write_settings(sections: dict[str, Any], prefix: str = "") -> str:
    """Return TOML; a value that is a dict is a section."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in sections.items() if not isinstance(value, dict)]
    text = "\n".join(lines) + "\n"
    for key, value in sections.items():
        if isinstance(value, dict):
            text += f"[{prefix}{key}]\n" + write_settings(value, f"{prefix}{key}.")
    return text


class Server:
    """One server, over all of its runs; always on the same port. ``root`` is the project that runs next."""

    def __init__(self, place: Place) -> None:
        self.port = free_port()
        self.starts = 0
        self.root = place.root
        self._place = place
        self._process: asyncio.subprocess.Process | None = None
        self.log = place.folder / "server.log"
        self._config = place.folder / "audit.toml"
        self._config.write_text(write_settings(place.settings))

    def port_for(self, path: bytes) -> int:
        """Return the port of the server that answers this path."""
        return self.port

    async def start(self) -> None:
        """Start the process and wait until it serves."""
        self.starts += 1
        place = self._place
        run = [
            str(self.root / "run.py"),
            "--config",
            str(self._config),
            "--data",
            str(place.folder / "data"),
        ]
        command = [sys.executable, *(place.command or run), "--port", str(self.port)]
        environment = {**os.environ, **place.environment, "PYTHONPATH": str(HERE)}
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *command, env=environment, cwd=place.folder, stdout=asyncio.subprocess.PIPE, stderr=log
            )
        await self._serves()

    async def restart_in_place(self) -> None:
        """Have the process start anew by SIGHUP, with its listening socket, and wait until it serves."""
        self.starts += 1
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)
        await self._serves()

    async def _serves(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), START_SECONDS)
        if b"serves on" not in line:
            raise RuntimeError(f"the server did not start: {line.decode()}{self.log.read_text()[-2000:]}")

    async def kill(self) -> None:
        """End the process by SIGKILL."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """End the process by SIGTERM, and by SIGKILL if it does not go."""
        await self._end(signal.SIGTERM)

    async def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
            raise RuntimeError(f"the server did not stop within {STOP_SECONDS} s of SIGTERM") from None

    @property
    def pid(self) -> int:
        """The process's id."""
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.returncode is None

    def fill_disk(self) -> None:
        """Let no file of the process grow: its writes fail, as on a full disk."""
        hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)[1]
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (1024, hard))

    def free_disk(self) -> None:
        """End ``fill_disk``."""
        with contextlib.suppress(ProcessLookupError):
            hard = resource.prlimit(self.pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (hard, hard))

    @contextlib.contextmanager
    def locked_database(self) -> Any:
        """Hold the database's lock."""
        connection = sqlite3.connect(
            self._place.folder / "data" / "thywill.db", timeout=1, isolation_level=None
        )
        try:
            with contextlib.suppress(sqlite3.OperationalError):  # another process was faster
                connection.execute("BEGIN EXCLUSIVE")
            yield
        finally:
            connection.close()

    def tracebacks(self) -> int:
        """Return how many tracebacks the server has logged."""
        return self.log.read_text(errors="replace").count("Traceback (most recent call last)")
