"""Programs of the system that tests need: where they are, how they are started and ended."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import pytest

from tests.gate import environment

T = TypeVar("T")

CLOSE_TIMEOUT = 10.0


def require(program: str, package: str) -> str:
    """Return the path of ``program``; where it is missing, fail the test in CI, elsewhere skip it.

    Args:
        program: the command's name.
        package: the Debian package that brings it, named in the reason.
    """
    return provide(lambda: environment.require(program, package))


def provide(look: Callable[[], T]) -> T:
    """Return what ``look`` finds; where it misses a program, fail the test in CI, elsewhere skip it."""
    try:
        return look()
    except environment.MissingProgram as error:
        if environment.in_ci():
            pytest.fail(str(error), pytrace=False)
        pytest.skip(str(error))


class Process:
    """A browser's process in a temporary folder of its own: profile, home and log, gone when it stops."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="thywill-browser-"))
        self.profile.mkdir()
        self._popen: subprocess.Popen[bytes] | None = None

    @property
    def profile(self) -> Path:
        return self.folder / "profile"

    def start(self, command: list[str]) -> None:
        """Start ``command`` as the leader of a process group, so that its helpers end with it."""
        with self._log.open("wb") as log:
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, "HOME": str(self.folder)},
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        return self._popen is not None and self._popen.poll() is None

    @property
    def log(self) -> str:
        """The last lines that the browser printed."""
        return self._log.read_text(errors="replace")[-2000:] if self._log.exists() else ""

    def wait_for_file(self, name: str, timeout: float = 60.0) -> str | None:
        """Return the text of a file that the browser writes into its profile once it can be driven.

        None when the browser ended or took too long.
        """
        path = self.profile / name
        deadline = time.monotonic() + timeout
        while self.running and time.monotonic() < deadline:
            if path.exists() and path.stat().st_size and is_whole(path.read_text()):
                return path.read_text()
            time.sleep(0.02)
        return None

    def stop(self) -> None:
        """Wait for the end, enforce it where it does not come, and remove the folder."""
        if self._popen is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._popen.wait(CLOSE_TIMEOUT)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
            self._popen = None
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def _log(self) -> Path:
        return self.folder / "log"


def is_whole(text: str) -> bool:
    """Tell a finished port file (JSON, or a port and a path on two lines) from one half written."""
    return text.rstrip().endswith("}") or len(text.split()) > 1
