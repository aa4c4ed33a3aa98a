"""Engines that a small program of ours runs: commands and answers are lines of percent-encoded words."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import queue
import subprocess
import threading
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote, unquote

from tests.browser.drivers import DriverError, ScriptError
from tests.browser.drivers.programs import Process
from tests.browser.engines.base import Engine

FOLDER = Path(__file__).resolve().parent
RUNNERS = FOLDER / "runners"
EVALUATE = (FOLDER / "evaluate.js").read_text(encoding="utf-8").strip()
COMMAND_TIMEOUT = 60.0


class Runner(Process):
    """A process that carries out commands, one at a time."""

    def ask(self, verb: str, *words: str) -> list[str]:
        """Give a command and return the words of its answer.

        Raises:
            DriverError: the command failed, took too long, or the process is gone.
        """
        kind, *answer = decode(self._exchange(encode(verb, *words), verb))
        if kind == "failed":
            raise DriverError(f"{verb}: {' '.join(answer) or 'failed'}")
        return answer

    @abstractmethod
    def _exchange(self, line: str, verb: str) -> str:
        """Send a line and return the line that answers it."""


class LineRunner(Runner):
    """A runner that is spoken to on its standard input and output."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: queue.Queue[str] = queue.Queue()

    def start(self, command: list[str]) -> None:
        """Start ``command`` and wait until it is ready."""
        with self._log.open("wb") as log:
            self._popen = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "HOME": str(self.folder)},
                start_new_session=True,
            )
        self._reader = threading.Thread(target=self._read, args=(self._popen,), daemon=True)
        self._reader.start()
        self._next("start")

    def stop(self) -> None:
        popen = self._popen
        if popen is not None and popen.stdin is not None:
            with contextlib.suppress(OSError):
                popen.stdin.close()
        super().stop()
        if popen is not None and popen.stdout is not None:
            self._reader.join()
            popen.stdout.close()

    def _exchange(self, line: str, verb: str) -> str:
        if self._popen is None or self._popen.stdin is None:
            raise DriverError(f"{verb}: the engine does not run")
        try:
            self._popen.stdin.write(line.encode() + b"\n")
            self._popen.stdin.flush()
        except OSError as error:
            raise DriverError(f"{verb}: the engine is gone: {self.log}") from error
        return self._next(verb)

    def _read(self, popen: subprocess.Popen[bytes]) -> None:
        assert popen.stdout is not None
        for line in popen.stdout:
            text = line.decode(errors="replace").rstrip("\r\n")
            if text.split(" ")[0] in ("ready", "value", "failed"):  # libraries write here as well
                self._lines.put(text)
        self._lines.put("")

    def _next(self, verb: str) -> str:
        try:
            line = self._lines.get(timeout=COMMAND_TIMEOUT)
        except queue.Empty:
            raise DriverError(f"{verb}: no answer in {COMMAND_TIMEOUT} s: {self.log}") from None
        if not line:
            self._lines.put("")
            raise DriverError(f"{verb}: the engine is gone: {self.log}")
        return line


class HttpRunner(Runner):
    """A runner that listens on a port, which it writes into a file."""

    def start(self, command: list[str]) -> None:
        """Start ``command`` with the file's path as its last argument, and wait until it is ready."""
        super().start([*command, str(self.profile / "port")])
        text = self.wait_for_file("port")
        if text is None:
            raise DriverError(f"the engine did not start: {self.log}")
        self._port = int(json.loads(text)["port"])

    def stop(self) -> None:
        if self.running:
            with contextlib.suppress(DriverError):
                self.ask("quit")
        super().stop()

    def _exchange(self, line: str, verb: str) -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=COMMAND_TIMEOUT)
        try:
            connection.request("POST", "/", line.encode(), {"Content-Type": "text/plain"})
            return connection.getresponse().read().decode()
        except (OSError, http.client.HTTPException) as error:
            self._expect_end()
            raise DriverError(f"{verb}: no answer from the engine: {error!r} {self.log}") from error
        finally:
            connection.close()

    def _expect_end(self) -> None:
        # One that crashes closes its connections a moment before it is gone.
        with contextlib.suppress(subprocess.TimeoutExpired):
            if self._popen is not None:
                self._popen.wait(2)


class RunnerEngine(Engine):
    """An engine behind a runner."""

    kind: ClassVar[type[Runner]] = LineRunner

    def __init__(self) -> None:
        self._start()

    def _start(self) -> None:
        command = self._command()
        self._runner = self.kind()
        try:
            self._runner.start(command)
        except BaseException:
            self._runner.stop()
            raise

    @property
    def running(self) -> bool:
        return self._runner.running

    @property
    def errors(self) -> list[str]:
        return self._runner.ask("errors")

    def open(self, url: str, before: str = "") -> None:
        self._runner.ask("open", url, before)

    def evaluate(self, expression: str) -> Any:
        (text,) = self._runner.ask("evaluate", EVALUATE.replace("EXPRESSION", f"({expression}\n)"))
        outcome = json.loads(text)
        if "thrown" in outcome:
            raise ScriptError(outcome["thrown"])
        return outcome["value"]

    def screenshot(self, path: Path) -> None:
        self._runner.ask("screenshot", str(path))

    def leave(self) -> None:
        self._runner.ask("leave")

    def close(self) -> None:
        self._runner.stop()

    @abstractmethod
    def _command(self) -> list[str]:
        """Return what starts the runner; where something is missing for it, skip the test or fail."""


def encode(*words: str) -> str:
    return " ".join(quote(word, safe="") for word in words)


def decode(line: str) -> list[str]:
    return [unquote(word) for word in line.split(" ")]
