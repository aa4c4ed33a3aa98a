"""``GET /thywill/echo`` answers with the request as the server has received it, for ``run.py doctor``.

The answer contains the fields of the request and how the server has understood them, and nothing about the
server. With ``pause`` a second line follows after that many seconds. It shows whether a proxy buffers
answers, or closes silent connections.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable
from typing import Any

from tornado.web import Application

from thywill.errors import Draining, Malformed, RequestError, TooMany
from thywill.wire.handlers import MethodsHandler, refuse

ADDRESS = r"/thywill/echo"
LONGEST = 120.0
"""The longest pause, in seconds."""
ASKERS = 20
"""How many requests may wait for the second line at once. Few are enough: operators send them, not pages."""
STOP_CHECK_EVERY = 0.25
"""Seconds between two checks whether the server is stopping, since a pause must not delay the stop."""


class Echo:
    """The endpoint's rule, and the number of requests that wait there.

    Args:
        draining: returns whether the server is stopping.
    """

    def __init__(self, draining: Callable[[], bool]) -> None:
        self.draining = draining
        self.waiting = 0

    def rule(self) -> tuple[Any, ...]:
        """Return the rule for the ``tornado.web.Application``."""
        # It has its own application, since the outer one compresses, which would hold back the first line.
        rules = [(ADDRESS, EchoHandler, {"echo": self})]
        return (ADDRESS, Application(rules, log_function=lambda handler: None))


class EchoHandler(MethodsHandler):
    """Handles one request."""

    def initialize(self, echo: Echo) -> None:
        self.echo = echo
        self._is_here = True

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store, no-transform")
        self.set_header("X-Accel-Buffering", "no")
        self.set_header("X-Content-Type-Options", "nosniff")

    def compute_etag(self) -> None:
        return None

    def on_connection_close(self) -> None:
        self._is_here = False

    async def get(self) -> None:
        try:
            pause = self._pause()
            self._admit(pause)
        except RequestError as error:
            refuse(self, error)
            return
        self.write(json.dumps(self._seen()) + "\n")
        if pause:
            await self._wait(pause)

    def _pause(self) -> float:
        try:
            pause = float(self.get_query_argument("pause", "0"))
        except ValueError:
            pause = math.nan
        if not 0 <= pause <= LONGEST:
            raise Malformed(f"pause must be a number of seconds up to {LONGEST:.0f}")
        return pause

    def _admit(self, pause: float) -> None:
        if self.echo.draining():
            raise Draining("the server is about to stop", retry=2)
        if pause and self.echo.waiting >= ASKERS:
            raise TooMany(f"{ASKERS} requests are waiting here already: try again later", retry=10)

    async def _wait(self, pause: float) -> None:
        clock = asyncio.get_running_loop().time
        end = clock() + pause
        self.echo.waiting += 1
        try:
            self.flush()
            while self._is_here and clock() < end and not self.echo.draining():  # noqa: ASYNC110
                await asyncio.sleep(min(STOP_CHECK_EVERY, end - clock()))
        finally:
            self.echo.waiting -= 1
        if self._is_here:
            self.write('{"waited": true}\n')

    def _seen(self) -> dict[str, Any]:
        request = self.request
        forwarded = self._last("X-Forwarded-For")
        proto = self._last("X-Forwarded-Proto").lower()
        kept = request.headers.get("Connection", "").lower()
        return {
            "thywill": 1,
            "host": request.host,
            "scheme": request.protocol,
            "http": request.version.removeprefix("HTTP/"),
            "kept": kept == "keep-alive" if request.version == "HTTP/1.0" else kept != "close",
            "forwarded_for": _trust_in(forwarded, request.remote_ip in _words(forwarded)),
            "forwarded_proto": _trust_in(proto, request.protocol == _words(proto)[-1]),
        }

    def _last(self, name: str) -> str:
        return ",".join(self.request.headers.get_list(name))


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",")]


def _trust_in(header: str, is_believed: bool) -> str:
    if not header:
        return "missing"
    return "believed" if is_believed else "ignored"
