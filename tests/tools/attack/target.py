"""What is attacked: a server of any checkout in a process of its own, and nginx before it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from tests.gate.environment import Unprepared
from tests.support import proxied

STARTED = re.compile(r"thywill serves on http://127\.0\.0\.1:(\d+)/")
SETTINGS = """
[application_interface]
applications = ["attacked"]
[log]
level = "error"
"""
APPLICATION = '''
"""Publishes what well-behaved clients send, and takes in what the others do."""

from thywill import Application


class Attacked(Application):
    async def on_connect(self, client):
        await self.subscribe(client, "all")

    async def on_message(self, client, message):
        if isinstance(message, dict) and "due" in message:
            await self.publish("all", message)
'''


class Processor(NamedTuple):
    """Seconds for which a thread ran, and for which it was ready to run and had to wait for a processor."""

    used: float
    waited: float

    @classmethod
    def of(cls, process: int | str) -> Processor:
        """Return those of the first thread of a process, by its number or "self"."""
        used, waited, _ = Path(f"/proc/{process}/schedstat").read_text().split()
        return cls(int(used) / 1e9, int(waited) / 1e9)

    def since(self, before: Processor, seconds: float) -> tuple[float, float]:
        """Return both as parts of the time that has passed since ``before``."""
        return (self.used - before.used) / seconds, (self.waited - before.waited) / seconds


class Target:
    """A server with its default settings, and nginx with ``conf/nginx.conf`` where it is asked for.

    Args:
        root: the checkout that is served.
        folder: for all that is written.
        through_nginx: whether clients come through nginx.

    Raises:
        Unprepared: the server does not start.
    """

    def __init__(self, root: Path, folder: Path, *, through_nginx: bool) -> None:
        (folder / "attacked").mkdir()
        (folder / "attacked" / "__init__.py").write_text(APPLICATION)
        config = folder / "attacked.toml"
        config.write_text(SETTINGS)
        options = ["--config", str(config), "--port", "0", "--data", str(folder / "data")]
        with (folder / "run.log").open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, str(root / "run.py"), *options],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(folder)},
                text=True,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self._nginx: proxied.Nginx | None = None
        assert self._process.stdout is not None
        started = STARTED.match(self._process.stdout.readline())
        if started is None:
            self.stop()
            raise Unprepared(f"the server does not start: {(folder / 'run.log').read_text()[-500:]}")
        self.port = int(started[1])
        if through_nginx:
            text = (root / "conf" / "nginx.conf").read_text(encoding="utf-8")
            self._nginx = proxied.Nginx(folder, self.port, None, text)
            self.port = self._nginx.plain_port

    @property
    def memory(self) -> float:
        """The resident memory of the server, in megabytes."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    def processor(self) -> Processor:
        """The processor time of the server until now."""
        return Processor.of(self._process.pid)

    def stop(self) -> None:
        """End both."""
        if self._nginx is not None:
            self._nginx.stop()
        self._process.terminate()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
