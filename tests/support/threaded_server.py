"""A whole server in a thread of the test's process, for tests that drive a browser.

It starts within a tenth of a second, where a process of its own takes one to import everything.
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from tests.gate.environment import ROOT
from tests.support.serving import stopping_at_once
from thywill.config import read
from thywill.process.runtime import loop_factory
from thywill.server import Service

SETTINGS = ROOT / "conf" / "thywill.toml"


class ThreadedServer:
    """A running server with the applications of this project; use it by ``with``, or call ``stop``.

    Args:
        folder: for its data.
        settings: changes to those of ``conf/thywill.toml``, by place: ``{"server.http": "tornado"}``.
    """

    def __init__(self, folder: Path, settings: dict[str, Any] | None = None) -> None:
        places = {"server.port": 0, "server.data": str(folder), **(settings or {})}
        self._settings = read(SETTINGS, required=True, overrides=places, options={}, environment={})
        self._started: Future[str] = Future()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        self.address = self._started.result()
        self.port = urlsplit(self.address).port or 0

    def stop(self) -> None:
        """Stop the server, and wait for its end."""
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=loop_factory()) as runner:
                runner.run(self._serve())
        except BaseException as error:
            if self._started.done():
                raise
            self._started.set_exception(error)

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        service = Service(self._settings, ROOT)
        await service.start()
        self._started.set_result(service.address)
        await self._over.wait()
        with stopping_at_once():
            await service.stop()
