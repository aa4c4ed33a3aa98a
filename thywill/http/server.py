"""Our own HTTP server: accepts connections, and drains and closes them at the end."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Protocol, cast

from thywill.core.periods import until_next_period
from thywill.http.connection import Connection
from thywill.http.preamble import Preamble
from thywill.http.proxies import TrustedProxies
from thywill.http.reader import Limits
from thywill.http.shared import Shared, Timeouts
from thywill.http.site import Site

log = logging.getLogger(__name__)

TICK = 1.0
BACKLOG = 8192
"""How many connections may wait in the kernel to be accepted: after a restart all browsers come back at
once. The kernel reduces this number to net.core.somaxconn."""
ACCEPTORS = 16
"""How many times uvloop listens on one socket. Each listener accepts one connection in a turn of the loop, so
a single listener would accept a burst slowly, above all when turns are long. A listener that finds no
connection costs some 3 us."""

DRAIN_SECONDS = 0.3
"""Seconds for which a stopping server waits for requests that are on their way."""
DRAIN_CHECKS = 15
"""How often it checks during these seconds whether it can stop waiting."""
BODY_SECONDS = 1.0
"""Seconds after that during which the rest of a body may arrive."""


class Server(Protocol):
    """The HTTP server as ``thywill/server.py`` uses it."""

    @property
    def connections(self) -> int:
        """How many connections are open."""
        ...

    async def start(self, sockets: list[socket.socket]) -> None:
        """Accept connections on ``sockets``, which are bound and listen already."""
        ...

    async def drain(self) -> None:
        """Stop accepting, and serve requests that are on their way. Each answer closes its connection."""
        ...

    async def stop(self, limit: float) -> None:
        """Drain, give requests in flight ``limit`` seconds to end, and close every connection."""
        ...


class FastServer:
    """An HTTP server on the running event loop.

    Args:
        site: answers requests.
        limits, timeouts: how much a browser may send, and how long it may take.
        proxies: the proxies whose X-Forwarded-* headers are believed.
    """

    def __init__(self, site: Site, limits: Limits, timeouts: Timeouts, proxies: TrustedProxies) -> None:
        self._loop = asyncio.get_running_loop()
        self.shared = Shared(site, limits, timeouts, proxies, TICK)
        self._connections: set[Connection | Preamble] = set()
        self._servers: list[asyncio.Server] = []
        self._timer: asyncio.TimerHandle | None = None
        self._last_closed: asyncio.Future[None] | None = None

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    async def start(self, sockets: list[socket.socket]) -> None:
        """Accept connections on ``sockets``, which are bound and listen already."""
        self._tick()
        for sock in sockets:
            for listener in (sock, *self._copies(sock)):
                server = await self._loop.create_server(self._connect, sock=listener, backlog=BACKLOG)
                self._servers.append(server)

    def _copies(self, sock: socket.socket) -> list[socket.socket]:
        copies: list[socket.socket] = []
        if isinstance(self._loop, asyncio.BaseEventLoop):
            return copies  # asyncio's own loops accept all waiting connections in one turn
        try:
            while len(copies) < ACCEPTORS - 1:
                copies.append(sock.dup())
        except OSError:
            # File descriptors are scarce, so they are left to browsers.
            while copies:
                copies.pop().close()
        return copies

    async def drain(self) -> None:
        """Stop accepting, and serve requests that are on their way. Each answer closes its connection."""
        self.shared.stopping = True
        while self._servers:
            self._servers.pop().close()
        # A connection that was just accepted appears a few turns later.
        for _ in range(5):
            await asyncio.sleep(0)
        for _ in range(DRAIN_CHECKS):
            if not any(connection.awaits_request(bodies=False) for connection in self._connections):
                break
            await asyncio.sleep(DRAIN_SECONDS / DRAIN_CHECKS)

    async def stop(self, limit: float) -> None:
        """Drain, give requests in flight ``limit`` seconds to end, and close every connection."""
        if not self.shared.stopping:
            await self.drain()
        # The rest of a head may never arrive, and its browser will try again, so such a connection is closed.
        # A body that has partly arrived gets a moment to become whole.
        rest = min(limit, BODY_SECONDS)
        self._close_unfinished(bodies=False)
        await self._wait_until_closed(rest)
        self._close_unfinished(bodies=True)
        await self._wait_until_closed(limit - rest)
        for connection in list(self._connections):
            connection.abort()
        await self._wait_until_closed(None)
        if self._timer is not None:
            self._timer.cancel()

    def _close_unfinished(self, *, bodies: bool) -> None:
        for connection in list(self._connections):
            if connection.awaits_request(bodies=bodies):
                connection.close()

    async def _wait_until_closed(self, limit: float | None) -> None:
        if not self._connections:
            return
        if self._last_closed is None or self._last_closed.done():
            self._last_closed = self._loop.create_future()
        await asyncio.wait([self._last_closed], timeout=limit)

    def _tick(self) -> None:
        self._timer = self._loop.call_later(until_next_period(TICK, self._loop.time()), self._tick)
        self.shared.tick()

    def _connect(self) -> asyncio.Protocol:
        scheme = self.shared.proxies.scheme
        made = Preamble(self.shared, self, scheme) if scheme else Connection(self.shared, self)
        # The loop needs only the methods of a Protocol; the base class would cost memory in compiled classes.
        return cast(asyncio.Protocol, made)

    def opened(self, connection: Connection | Preamble) -> None:
        """A connection has opened."""
        self._connections.add(connection)

    def closed(self, connection: Connection | Preamble) -> None:
        """A connection has closed."""
        self._connections.discard(connection)
        self.shared.site.application.on_close(connection)
        if self._last_closed is not None and not self._connections and not self._last_closed.done():
            self._last_closed.set_result(None)
