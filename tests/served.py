"""``python run.py`` in a process of its own."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.gate.environment import ROOT

COMMAND = [sys.executable, str(ROOT / "run.py")]
STARTED = re.compile(r"thywill serves on (http://127\.0\.0\.1:(\d+)/) \(end it with Ctrl-C\)\n")


class Served:
    """A running server; its log is in ``folder / "run.log"``.

    Args:
        folder: for its data, and the current folder of the process: nothing may depend on that one.
        options: further options of the command.
        port: the port, or 0 for a free one.
    """

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        self.log = folder / "run.log"
        command = [*COMMAND, "--port", str(port), "--data", str(folder), *options]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command, cwd=folder, text=True, stdout=subprocess.PIPE, stderr=log
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        started = STARTED.fullmatch(line)
        assert started, (line, self.log.read_text())
        self.address = started[1]
        self.port = int(started[2])

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End the process by a signal; return its status and what it printed."""
        self.process.send_signal(number)
        out, _ = self.process.communicate(timeout=30)
        return self.process.returncode, out

    def kill(self) -> None:
        """End the process, whatever it does."""
        if self.process.returncode is None:
            self.process.kill()
            self.process.communicate()
