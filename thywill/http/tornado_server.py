"""Tornado's own HTTPServer behind the same contract: slower, and what everything here is compared with."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable

from tornado.httpserver import HTTPServer
from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
    format_timestamp,
)

from thywill.http.message import JSON, REASONS, Dress, Owner, Request
from thywill.http.proxies import TrustedProxies
from thywill.http.reader import Limits
from thywill.http.server import QUIET, Timeouts
from thywill.http.site import Endpoint, Site, answer


class TornadoServer:
    """Tornado's server.

    Args:
        site: where requests go.
        limits, timeouts: what a browser may ask for, as far as Tornado knows such a limit.
        proxies: whose X-Forwarded-* are believed.
    """

    def __init__(self, site: Site, limits: Limits, timeouts: Timeouts, proxies: TrustedProxies) -> None:
        self._server = HTTPServer(
            SiteDelegate(site, proxies),
            idle_connection_timeout=timeouts.idle,
            body_timeout=timeouts.body,
            max_header_size=limits.header,
            max_body_size=limits.body,
        )

    async def start(self, sockets: list[socket.socket]) -> None:
        """Accept connections on ``sockets``, which are bound and listen."""
        self._server.add_sockets(sockets)

    async def drain(self) -> None:
        """Stop accepting, and serve what is on its way. Tornado does not tell which connections are busy."""
        self._server.stop()
        await asyncio.sleep(QUIET if self._server._connections else 0)

    async def stop(self, limit: float) -> None:
        """Drain, and close every connection within ``limit`` seconds.

        Tornado does not tell which of them has a request under way: those are cut.
        """
        if not self._server._stopped:
            await self.drain()
        await asyncio.wait({asyncio.ensure_future(self._server.close_all_connections())}, timeout=limit)


class SiteDelegate(HTTPServerConnectionDelegate):
    """Sends each request to its endpoint, or to the application."""

    def __init__(self, site: Site, proxies: TrustedProxies) -> None:
        self._site = site
        self._proxies = proxies

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        return RequestDelegate(self._site, self._proxies, server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        self._site.application.on_close(server_conn)


class RequestDelegate(HTTPMessageDelegate):
    """One request, before and after it is known where it goes."""

    def __init__(
        self, site: Site, proxies: TrustedProxies, server_conn: object, connection: HTTPConnection
    ) -> None:
        self._site = site
        self._proxies = proxies
        self._server_conn = server_conn
        self._connection = connection
        self._request = Request()
        self._endpoint: Endpoint | None = None
        self._delegate: HTTPMessageDelegate | None = None
        self._body: list[bytes] = []

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        assert isinstance(start_line, RequestStartLine)
        self._read_head(start_line, headers)
        self._endpoint = self._site.find(self._request)
        if self._endpoint is not None:
            return None
        self._delegate = self._site.application.start_request(self._server_conn, self._connection)
        return self._delegate.headers_received(start_line, headers)

    def _read_head(self, line: RequestStartLine, headers: HTTPHeaders) -> None:
        hosts = headers.get_list("Host")
        if len(hosts) > 1 or (not hosts and line.version == "HTTP/1.1"):
            raise HTTPInputError("no Host header, or two")  # RFC 9112, 3.2
        request, context = self._request, self._connection.context  # type: ignore[attr-defined]
        request.method = line.method.encode("latin-1")
        request.target = line.path.encode("latin-1")
        request.version = line.version.removeprefix("HTTP/")
        request.headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.get_all()
        ]
        request.host = request.header(b"host")
        request.peer = context.address[0] if isinstance(context.address, tuple) else ""
        if self._proxies.trusts(request.peer):
            self._proxies.resolve(request)
        context.remote_ip, context.protocol = request.peer, request.scheme

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        if self._delegate is not None:
            return self._delegate.data_received(chunk)
        self._body.append(chunk)
        return None

    def finish(self) -> None:
        if self._delegate is not None:
            self._delegate.finish()
            return
        assert self._endpoint is not None
        self._request.body = b"".join(self._body)
        answer(self._endpoint, self._request, TornadoReply(self._connection, self._request))

    def on_connection_close(self) -> None:
        if self._delegate is not None:
            self._delegate.on_connection_close()


class TornadoReply:
    """The answer to one request on Tornado's connection."""

    def __init__(self, connection: HTTPConnection, request: Request) -> None:
        self._connection: HTTPConnection | None = connection
        self._head_only = request.method == b"HEAD"
        self.owner: Owner | None = None
        self.dress: Dress | None = None
        connection.set_close_callback(self._closed)  # type: ignore[attr-defined]

    def send(self, status: int, body: bytes, head: bytes = JSON) -> None:
        connection, self._connection = self._connection, None
        self.owner = None
        if connection is None:
            return
        if self.dress is not None:
            status, body, head = self.dress(status, body, head)
        headers = HTTPHeaders.parse(head.decode("latin-1"))
        if status != 204:  # RFC 9110, 8.6
            headers["Content-Length"] = str(len(body))
        headers["Date"] = format_timestamp(time.time())
        connection.set_close_callback(None)  # type: ignore[attr-defined]
        line = ResponseStartLine("HTTP/1.1", status, REASONS[status].decode())
        connection.write_headers(line, headers, None if self._head_only else body)
        connection.finish()

    def _closed(self) -> None:
        self._connection = None
        if self.owner is not None:
            self.owner.closed()
            self.owner = None
