"""``python run.py`` in this process, or in one whose descriptors, signals and limits a test prepares."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.gate.environment import ROOT
from tests.support.served import COMMAND, STARTED
from thywill.commands.main import main


class Command:
    """The command in a process that was prepared by a line of Python.

    Args:
        folder: for its data and its log.
        options: further options of the command.
        before: what the process does before it becomes the command.
        fields: for ``subprocess.Popen``.
    """

    def __init__(self, folder: Path, *options: str, before: str = "", **fields: Any) -> None:
        self.log = folder / "run.log"
        become = f"import os, signal, sys\n{before}\nos.execv(sys.argv[1], sys.argv[1:])"
        arguments = [*COMMAND, "--data", str(folder), *options]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", become, *arguments],
                cwd=folder, text=True, stdout=subprocess.PIPE, stderr=log, **fields,
            )  # fmt: skip

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()

    def serves_on(self) -> int:
        """Wait until the command prints its address, and return the port."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        started = STARTED.fullmatch(line)
        assert started, (line, self.log.read_text())
        return int(started[2])

    def send_signals(self, *numbers: signal.Signals) -> None:
        """Send signals."""
        for number in numbers:
            self.process.send_signal(number)

    def logs(self, text: str) -> None:
        """Wait until the log holds ``text``."""
        wait_for(lambda: text in self.log.read_text())


def run_here(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command that ends by itself in this process: a new one would take a second to import everything.

    Args:
        arguments: the command line, without the program.
        folder: the working directory, on which nothing may depend.
    """
    out, err = io.StringIO(), io.StringIO()
    mask, limit = os.umask(0o022), resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), contextlib.chdir(folder):
            status = main([*arguments], ROOT)
    except SystemExit as ended:  # argparse prints what is wrong, and exits
        status = int(ended.code or 0)
    finally:
        os.umask(mask)
        resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())


def free_port() -> int:
    """Return a port of 127.0.0.1 that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def wait_for(condition: Callable[[], Any]) -> None:
    """Wait until ``condition()`` is true."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "the condition did not come about"
        time.sleep(0.01)
