"""Our own server: accepts connections, lends them readers, keeps their deadlines."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from typing import Protocol

from thywill.core.wheel import TimerWheel
from thywill.http.connection import Connection
from thywill.http.proxies import TrustedProxies
from thywill.http.reader import Limits, RequestReader
from thywill.http.reply import Formatter
from thywill.http.site import Site

log = logging.getLogger(__name__)

TICK = 1.0
BACKLOG = 8192
"""Connections that the kernel holds until they are accepted: all browsers may come back at once. The kernel
cuts it to net.core.somaxconn."""
ACCEPTORS = 16
"""How many times uvloop listens on one socket: each accepts one connection in a turn of the loop, so one
alone would let in a burst one by one, and hardly anybody while the turns are long. Each that finds nothing
to accept costs some 3 us, which a server with short turns can spare."""
SPARE_READERS = 64

QUIET = 0.3
"""Seconds for which a server that stops waits for the requests that are on their way to it."""
LOOKS = 15
"""How often it looks within them whether there is nothing to wait for any more."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a connection may take, in seconds.

    Args:
        header: from a request's first byte to the end of its header.
        body: from there to the end of its body.
        idle: between two requests, and before the first.
        write: for a browser to read what was written.
        linger: how long is read on after a request was refused.
    """

    header: float = 20.0
    body: float = 60.0
    idle: float = 75.0
    write: float = 60.0
    linger: float = 2.0


class Server(Protocol):
    """What the composition root needs of a server."""

    @property
    def connections(self) -> int:
        """How many connections are open."""
        ...

    async def start(self, sockets: list[socket.socket]) -> None:
        """Accept connections on ``sockets``, which are bound and listen."""
        ...

    async def drain(self) -> None:
        """Stop accepting, and serve what is on its way; every answer from now on is its connection's last."""
        ...

    async def stop(self, limit: float) -> None:
        """Drain, let requests under way end within ``limit`` seconds, and close every connection."""
        ...


class FastServer:
    """An HTTP server on the running event loop.

    Args:
        site: where requests go.
        limits, timeouts: what a browser may ask for.
        proxies: whose X-Forwarded-* are believed.
    """

    def __init__(self, site: Site, limits: Limits, timeouts: Timeouts, proxies: TrustedProxies) -> None:
        self.site = site
        self.limits = limits
        self.timeouts = timeouts
        self.proxies = proxies
        self.date = b""
        self.formatter = Formatter()
        self.stopping = False
        self._loop = asyncio.get_running_loop()
        self.now: Callable[[], float] = self._loop.time
        self.wheel: TimerWheel[Connection] = TimerWheel(TICK, self.now())
        self._connections: set[Connection] = set()
        self._servers: list[asyncio.Server] = []
        self._answering: list[Connection] = []
        self._readers: list[RequestReader] = []
        self._timer: asyncio.TimerHandle | None = None
        self._last_closed: asyncio.Future[None] | None = None

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    async def start(self, sockets: list[socket.socket]) -> None:
        """Accept connections on ``sockets``, which are bound and listen."""
        self._tick()
        for sock in sockets:
            for listener in (sock, *self._copies(sock)):
                server = await self._loop.create_server(
                    lambda: Connection(self), sock=listener, backlog=BACKLOG
                )
                self._servers.append(server)

    def _copies(self, sock: socket.socket) -> list[socket.socket]:
        copies: list[socket.socket] = []
        if isinstance(self._loop, asyncio.BaseEventLoop):
            return copies  # asyncio's own loops accept all that wait
        try:
            while len(copies) < ACCEPTORS - 1:
                copies.append(sock.dup())
        except OSError:
            # Where files are that scarce, browsers need them more.
            while copies:
                copies.pop().close()
        return copies

    async def drain(self) -> None:
        """Stop accepting, and serve what is on its way; every answer from now on is its connection's last."""
        self.stopping = True
        while self._servers:
            self._servers.pop().close()
        # A connection that was accepted just now shows up a few turns later.
        for _ in range(5):
            await asyncio.sleep(0)
        for _ in range(LOOKS):
            if not any(connection.is_idle() for connection in self._connections):
                break
            await asyncio.sleep(QUIET / LOOKS)

    async def stop(self, limit: float) -> None:
        """Drain, let requests under way end within ``limit`` seconds, and close every connection."""
        if not self.stopping:
            await self.drain()
        for connection in list(self._connections):
            connection.close_if_idle()
        await self._wait_until_closed(limit)
        for connection in list(self._connections):
            connection.abort()
        await self._wait_until_closed(None)
        if self._timer is not None:
            self._timer.cancel()

    async def _wait_until_closed(self, limit: float | None) -> None:
        if not self._connections:
            return
        if self._last_closed is None or self._last_closed.done():
            self._last_closed = self._loop.create_future()
        await asyncio.wait([self._last_closed], timeout=limit)

    def _tick(self) -> None:
        self._timer = self._loop.call_later(TICK, self._tick)
        self.date = b"Date: %b\r\n" % formatdate(usegmt=True).encode()
        for connection in self.wheel.advance(self.now()):
            connection.timed_out()

    # What connections call.

    def opened(self, connection: Connection) -> None:
        """A connection is here."""
        self._connections.add(connection)

    def closed(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        self.site.application.on_close(connection)
        if self._last_closed is not None and not self._connections and not self._last_closed.done():
            self._last_closed.set_result(None)

    def answer_soon(self, connection: Connection) -> None:
        """Have ``connection`` write what it has kept when all that has arrived on any is read."""
        if not self._answering:
            self._loop.call_soon(self._write_answers)
        self._answering.append(connection)

    def _write_answers(self) -> None:
        answering, self._answering = self._answering, []
        for connection in answering:
            connection.write_answers()

    def lend_reader(self) -> RequestReader:
        """Return a reader that is between two requests."""
        return self._readers.pop() if self._readers else RequestReader(self.limits)

    def return_reader(self, reader: RequestReader) -> None:
        """Take back a reader that is between two requests."""
        if len(self._readers) < SPARE_READERS:
            self._readers.append(reader)
