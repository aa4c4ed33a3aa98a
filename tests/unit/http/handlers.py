"""Handlers for Tornado's ``web.Application``, each with one habit. They share one ``Memory``."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any

from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler, stream_request_body

CHUNK = 32 * 1024


@dataclass
class Memory:
    """What handlers wait for, and what happened to them."""

    gate: asyncio.Event = field(default_factory=asyncio.Event)
    begun: int = 0
    closed: int = 0
    written: int = 0
    cut: int = 0
    finished: int = 0
    pieces: list[bytes] = field(default_factory=list)


class Handler(RequestHandler):
    """What they have in common."""

    memory: Memory

    def initialize(self, memory: Memory) -> None:
        self.memory = memory

    def on_connection_close(self) -> None:
        super().on_connection_close()
        self.memory.closed += 1


class Plain(Handler):
    """Answers with what arrived."""

    def get(self) -> None:
        request = self.request
        self.finish(
            {
                "method": request.method,
                "target": request.uri,
                "version": request.version,
                "headers": sorted([name.lower(), value] for name, value in request.headers.get_all()),
                "body": request.body.decode("latin-1"),
                "address": request.remote_ip,
                "scheme": request.protocol,
            }
        )

    head = post = put = options = get


class Waiting(Handler):
    """Answers when the gate opens."""

    async def get(self) -> None:
        self.memory.begun += 1
        await self.memory.gate.wait()
        self.finish("waited")


class Stream(Handler):
    """Sends pieces, and flushes after each."""

    async def get(self) -> None:
        # Without a browser, Tornado would log the error as the handler's.
        with contextlib.suppress(StreamClosedError):
            for piece in ("one", "two", "three"):
                self.write(piece)
                await self.flush()


class GatedStream(Handler):
    """Sends a piece, and another when the gate opens."""

    async def get(self) -> None:
        self.write("before")
        await self.flush()
        await self.memory.gate.wait()
        self.finish("after")


class Download(Handler):
    """Sends ``size`` bytes as fast as the browser takes them."""

    async def get(self) -> None:
        size = int(self.get_query_argument("size"))
        self.memory.begun += 1
        try:
            while self.memory.written < size:
                self.write(b"d" * CHUNK)
                await self.flush()
                self.memory.written += CHUNK
        except StreamClosedError:
            self.memory.cut += 1


class Page(Handler):
    """Sends ``size`` bytes in one piece, without waiting for them to go."""

    def get(self) -> None:
        self.finish(b"p" * int(self.get_query_argument("size")))

    def on_finish(self) -> None:
        self.memory.finished += 1


class Empty(Handler):
    """Answers 204."""

    def get(self) -> None:
        self.set_status(204)


class Moved(Handler):
    """Sends the browser elsewhere."""

    def get(self) -> None:
        self.redirect("/plain?from=moved")


class Goodbye(Handler):
    """Asks for the connection to be closed."""

    def get(self) -> None:
        self.set_header("Connection", "close")
        self.finish("goodbye")


@stream_request_body
class Upload(Handler):
    """Takes the body in pieces."""

    async def prepare(self) -> None:
        self.memory.begun += 1
        if self.get_query_argument("refuse", None):
            raise HTTPError(403)
        if self.get_query_argument("wait", None):
            await self.memory.gate.wait()

    async def data_received(self, chunk: bytes) -> None:
        if self.get_query_argument("break", None):
            raise RuntimeError("broken while it took the body")
        self.memory.pieces.append(chunk)

    async def post(self) -> None:
        self.finish(b"".join(self.memory.pieces))


class Broken(Handler):
    """Raises."""

    def get(self) -> None:
        raise RuntimeError("broken")


class BrokenAtOnce(Handler):
    """Raises before Tornado catches anything."""

    def initialize(self, **kwargs: Any) -> None:
        raise RuntimeError("broken at once")


class BrokenLater(Handler):
    """Raises when a part of the answer is gone."""

    async def get(self) -> None:
        self.set_header("Content-Length", "100")
        self.write("a part")
        await self.flush()
        raise RuntimeError("broken later")


class TooShort(Handler):
    """Promises more than it sends."""

    def get(self) -> None:
        self.set_header("Content-Length", "10")
        self.finish("short")


class TooLong(Handler):
    """Sends more than it promised."""

    def get(self) -> None:
        self.set_header("Content-Length", self.get_query_argument("promise"))
        self.finish("too long")


HANDLERS: dict[str, type[Handler]] = {
    "/plain": Plain,
    "/waiting": Waiting,
    "/stream": Stream,
    "/gated-stream": GatedStream,
    "/download": Download,
    "/page": Page,
    "/empty": Empty,
    "/moved": Moved,
    "/goodbye": Goodbye,
    "/upload": Upload,
    "/broken": Broken,
    "/broken-at-once": BrokenAtOnce,
    "/broken-later": BrokenLater,
    "/too-short": TooShort,
    "/too-long": TooLong,
}
