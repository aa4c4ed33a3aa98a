"""``python run.py`` in another process."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from tests.gate.environment import ROOT

COMMAND = [sys.executable, str(ROOT / "run.py")]
FORCIBLE = {"THYWILL_CLIENT_INTERFACE_TRANSPORT_IN_ADDRESS": "true"}
"""The setting by which the address of a page can force a transport."""
STARTED = re.compile(r"thywill serves on (http://127\.0\.0\.1:(\d+)/) \(end it with Ctrl-C\)\n")

UNLIMITED = """
[limits]
clients_per_address = 100_000
unpolled_per_address = 100_000
connects = 100_000.0
connects_burst = 100_000
"""
"""Higher limits: each page makes a client, and tests need more clients than one address may have."""


class Reachable(Protocol):
    """A server that runs, in a process of its own or not."""

    address: str
    port: int


class Served:
    """A running server; its log is ``folder / "run.log"``. Use it by ``with``, or call ``stop`` or ``kill``.

    Args:
        folder: for its data; also the working directory, on which nothing may depend.
        options: further options of the command.
        port: the port, or 0 for a free one.
        environment: further variables of its environment.
    """

    def __init__(
        self, folder: Path, *options: str, port: int = 0, environment: Mapping[str, str] | None = None
    ) -> None:
        self.log = folder / "run.log"
        command = [*COMMAND, "--port", str(port), "--data", str(folder), *options]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command,
                cwd=folder,
                text=True,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **(environment or {})},
            )
        try:
            self.wait()
        except BaseException:
            self.kill()
            raise

    def wait(self) -> None:
        """Wait until it prints that it serves, at the start and after a restart in place."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        started = STARTED.fullmatch(line)
        assert started, (line, self.log.read_text())
        self.address = started[1]
        self.port = int(started[2])

    def ended(self) -> tuple[int, str]:
        """Wait until the process has ended; return its status and what it printed."""
        out, _ = self.process.communicate(timeout=120)
        return self.process.returncode, out

    def lines(self, level: str) -> list[str]:
        """Return the lines that it has logged at ``level``."""
        return [line for line in self.log.read_text().splitlines() if f" {level} " in line]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End the process by a signal; return its status and what it printed."""
        self.process.send_signal(number)
        return self.ended()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """End the process, whatever it does."""
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()


Serve = Callable[..., Served]


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Serve]:
    """Yield a function that starts a server with its data in ``folder``; all are ended after the block."""
    started: list[Served] = []

    def start(*options: str, **fields: Any) -> Served:
        started.append(Served(folder, *options, **fields))
        return started[-1]

    try:
        yield start
    finally:
        for served in started:
            served.kill()


def page(port: int, path: str) -> str:
    """Return a page of the server at ``port``."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path)
    answer = connection.getresponse().read().decode()
    connection.close()
    return answer


def ask(port: int, operation: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of the server at ``port`` to one request of the wire."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", f"/thywill/{operation}", json.dumps(fields))
    answer: dict[str, Any] = json.loads(connection.getresponse().read())
    connection.close()
    return answer
