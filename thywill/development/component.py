"""The part of a server that works for its developer."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from thywill.component import Component, Configuration
from thywill.core.envelope import encode_object
from thywill.development.files import CHECK_EVERY, WatchedFiles
from thywill.development.notices import Notices
from thywill.errors import NotLocal
from thywill.http.message import JSON, Reply
from thywill.http.request import Request
from thywill.http.site import Endpoint
from thywill.monitoring.gate import Requester

SCRIPT = Path(__file__).parent / "static" / "dev.js"
JAVASCRIPT = b"Content-Type: text/javascript; charset=UTF-8\r\nCache-Control: no-store\r\n"


class Development(Component):
    """Watches the files and the log, and answers the pages of a developer.

    Each page asks once a second. It reloads itself when the version has changed, shows tracebacks, and
    writes warnings into its console. Only browsers on this machine are answered.

    Args:
        on_change: called when code or settings have changed.
    """

    def __init__(self, on_change: Callable[[], None]) -> None:
        self._on_change = on_change
        self._notices = Notices()
        self._server = secrets.token_hex(4)
        self._pages = 0
        self._files = WatchedFiles([])
        self._begun = self._files.stamp()
        self._watching: asyncio.Task[None] | None = None

    def watch(self, places: Iterable[Path]) -> None:
        """Watch these files and folders; called when their code is loaded: no later change is missed."""
        self._files = WatchedFiles(places)
        self._begun = self._files.stamp()

    async def start(self) -> None:
        """Begin to watch the files and the log."""
        logging.getLogger().addHandler(self._notices)
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Stop watching."""
        logging.getLogger().removeHandler(self._notices)
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching

    def bootstrap(self, client: Any, configuration: Configuration) -> None:
        """Let the page load the script that asks for changes."""
        configuration.scripts.append("/thywill/dev.js")

    def endpoints(self) -> Mapping[bytes, Endpoint]:
        """Return the endpoints of the script."""
        return {b"/thywill/dev": self._answer, b"/thywill/dev.js": self._script}

    async def _watch(self) -> None:
        before = last = self._begun
        while True:
            await asyncio.sleep(CHECK_EVERY)
            now = await asyncio.to_thread(self._files.stamp)
            if now.pages != last.pages:
                self._pages += 1
            if now.code != before.code and now.code == last.code:  # the editor has stopped writing
                before = now
                self._on_change()
            last = now

    def _answer(self, request: Request, reply: Reply) -> None:
        _check(request)
        after = request.query().get("after", "")
        notices = self._notices.after(int(after) if after.isdecimal() else None)
        fields = {
            "version": f"{self._server}.{self._pages}",
            "after": self._notices.count,
            "notices": [{"level": notice.level, "text": notice.text} for notice in notices],
        }
        reply.send(200, encode_object(fields), JSON)

    def _script(self, request: Request, reply: Reply) -> None:
        _check(request)
        reply.send(200, SCRIPT.read_bytes(), JAVASCRIPT)


def _check(request: Request) -> None:
    if not Requester.of(request).is_local:
        raise NotLocal("run.py --dev answers only browsers on its own machine")
