"""The beginning of a connection that may start with a header of the PROXY protocol.

``thywill.core.proxy_protocol`` reads that header. Every connection begins here if ``[server] proxy_protocol``
is set.

- A connection that does not come from a trusted proxy becomes an ordinary ``Connection`` at once. A PROXY
  header on it is a malformed request.
- A connection from a trusted proxy may start with a PROXY header. Then its requests are the browser's own, so
  its X-Forwarded-For is believed no more than any browser's.
- It may also start with a request, so that programs on this machine (``run.py servers``, a health check) need
  no header. This is safe: a proxy that forwards requests never begins one with ``PROXY``, so no browser can
  make it send a header.
"""

from __future__ import annotations

import asyncio
from typing import cast

from thywill.core.proxy_protocol import BadHeader, ProxyHeader, read
from thywill.http.connection import Connection
from thywill.http.proxies import PROTO, UNIX, is_unix, peer_of
from thywill.http.request import Request
from thywill.http.shared import Member, Registry, Shared


class NamedConnection(Connection):
    """The connection of a browser whose address stood in a PROXY header.

    Args:
        shared, registry: as for every connection.
        address: the browser's address.
        scheme: the browser's scheme, ``http`` or ``https``.
    """

    __slots__ = ("_named", "_scheme")

    def __init__(self, shared: Shared, registry: Registry, address: str, scheme: str) -> None:
        super().__init__(shared, registry)
        self._named = address
        self._scheme = scheme

    def _find_peer(self, transport: asyncio.BaseTransport) -> str:
        return self._named

    def _serve(self, request: Request) -> None:
        # Unless the address in the PROXY header is a trusted proxy's, which may tell the scheme itself.
        if not (self._trusted and request.forwarded and request.header(PROTO) is not None):
            request.scheme = self._scheme
        super()._serve(request)


class UnnamedConnection(Connection):
    """A connection whose PROXY header has no address: a health check, or a browser unknown to the proxy.

    Its requests may be a browser's, so no X-Forwarded-For on it is believed.
    """

    __slots__ = ()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._trusted = False


class Preamble(Member):
    """The server's end of a connection until its PROXY header, or its lack of one, is known.

    Args:
        shared, registry: passed on to the connection that follows.
        scheme: the scheme of browsers whose PROXY header does not tell it.
    """

    __slots__ = ("_data", "_registry", "_scheme", "_shared", "_transport")

    def __init__(self, shared: Shared, registry: Registry, scheme: str) -> None:
        super().__init__()
        self._shared = shared
        self._registry = registry
        self._scheme = scheme
        self._data = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not an isinstance check: uvloop's transports are not asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        peer = peer_of(transport.get_extra_info("peername"))
        if (peer == UNIX and not is_unix(transport)) or not self._shared.proxies.trusts(peer):
            self._become(Connection(self._shared, self._registry))
            return
        self._registry.opened(self)
        self._shared.wheel.schedule(self, self._shared.now() + self._shared.timeouts.idle)

    def data_received(self, data: bytes) -> None:
        self._data += data
        try:
            header = read(self._data)
        except BadHeader as error:
            self._refuse(str(error))
            return
        if header is not None:
            self._begin(header)

    def _begin(self, header: ProxyHeader) -> None:
        """Replace this object by the connection that fits the header."""
        shared, registry = self._shared, self._registry
        self._end()
        if header.address:
            scheme = self._scheme if header.is_secure is None else ("https" if header.is_secure else "http")
            self._become(NamedConnection(shared, registry, header.address, scheme), header.length)
        elif header.length:
            self._become(UnnamedConnection(shared, registry), header.length)
        else:
            self._become(Connection(shared, registry))

    def _become(self, connection: Connection, skipped: int = 0) -> None:
        transport, rest = self._transport, self._data[skipped:]
        assert transport is not None
        self._transport = None
        transport.set_protocol(cast(asyncio.Protocol, connection))
        connection.connection_made(transport)
        if rest:
            connection.data_received(rest)

    def _refuse(self, reason: str) -> None:
        peer = peer_of(self._transport.get_extra_info("peername")) if self._transport is not None else ""
        self._shared.proxies.warn_unreadable_header(peer, reason)
        self.abort()

    def _end(self) -> None:
        self._shared.wheel.cancel(self)
        self._registry.closed(self)

    def eof_received(self) -> bool:
        return False

    def pause_writing(self) -> None:
        """Nothing is written."""

    def resume_writing(self) -> None:
        """Nothing is written."""

    def connection_lost(self, exc: Exception | None) -> None:
        if self._transport is not None:
            self._transport = None
            self._end()

    # What the server calls.

    def awaits_request(self, *, bodies: bool) -> bool:
        """Return true: no request has arrived."""
        return True

    def timed_out(self) -> None:
        """Nothing has arrived in time."""
        self.abort()

    def write_answers(self) -> None:
        """Does nothing: there are no answers."""

    def close(self) -> None:
        """Close."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        if self._transport is not None:
            self._transport.abort()
