"""Tornado's own HTTPServer with the interface of ours. It is slower; tests compare our server with it."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

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
from tornado.iostream import IOStream, StreamClosedError

from thywill.errors import RequestError
from thywill.http.message import BODILESS, JSON, REASONS, Refusal, Reply, Writer
from thywill.http.proxies import TrustedProxies, peer_of
from thywill.http.reader import DIGITS, Limits
from thywill.http.reply import CLOSE, whole_answer
from thywill.http.request import Request
from thywill.http.server import DRAIN_SECONDS
from thywill.http.shared import Timeouts
from thywill.http.site import Endpoint, Site

log = logging.getLogger(__name__)

HEADS_READ = 4
"""Tornado reads heads of this many times the limit, so that one over the limit is refused with an answer."""
BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
ACCEPTED_AT_ONCE = 128
ACCEPT_PAUSE = 1
"""Seconds without accepting after the file descriptors have run out."""


class TornadoServer:
    """Tornado's server.

    Args:
        site: answers requests.
        limits, timeouts: the limits for browsers, as far as Tornado has them.
        proxies: the proxies whose X-Forwarded-* headers are believed.
    """

    def __init__(self, site: Site, limits: Limits, timeouts: Timeouts, proxies: TrustedProxies) -> None:
        self._server = HTTPServer(
            SiteDelegate(site, proxies, limits),
            idle_connection_timeout=timeouts.idle,
            body_timeout=timeouts.body,
            # Tornado closes without an answer at a head over its limit. So it gets a higher one, and a head
            # that is not much larger than ours is refused with an answer.
            max_header_size=limits.header * HEADS_READ,
            max_body_size=limits.body,
        )

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._server._connections)

    async def start(self, sockets: list[socket.socket]) -> None:
        """Accept connections on ``sockets``, which are bound and listen already."""
        for sock in sockets:
            acceptor = Acceptor(sock, self._server._handle_connection)
            self._server._sockets[sock.fileno()] = sock
            self._server._handlers[sock.fileno()] = acceptor.stop

    async def drain(self) -> None:
        """Stop accepting connections, and serve requests that are on their way for a fixed time."""
        self._server.stop()
        await asyncio.sleep(DRAIN_SECONDS if self._server._connections else 0)

    async def stop(self, limit: float) -> None:
        """Drain, and close every connection within ``limit`` seconds.

        Tornado does not report which connections have a request in flight, so those are closed, too.
        """
        if not self._server._stopped:
            await self.drain()
        await asyncio.wait({asyncio.ensure_future(self._server.close_all_connections())}, timeout=limit)


class Acceptor:
    """Accepts connections on ``sock`` for ``handle``; pauses when the file descriptors have run out.

    Tornado's own acceptor would try again in each turn of the loop, as the socket stays readable.
    """

    def __init__(self, sock: socket.socket, handle: Callable[[socket.socket, Any], None]) -> None:
        self._sock = sock
        self._handle = handle
        self._loop = asyncio.get_running_loop()
        self._pause: asyncio.TimerHandle | None = None
        self._resume()

    def _resume(self) -> None:
        self._pause = None
        self._loop.add_reader(self._sock.fileno(), self._accept)

    def _accept(self) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                connection, address = self._sock.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                log.error(  # noqa: TRY400 - the traceback says nothing
                    "no connection can be accepted: %s; trying again in %d s", error, ACCEPT_PAUSE
                )
                self.stop()
                self._pause = self._loop.call_later(ACCEPT_PAUSE, self._resume)
                return
            self._handle(connection, address)

    def stop(self) -> None:
        """Accept no more connections."""
        if self._pause is not None:
            self._pause.cancel()
        self._loop.remove_reader(self._sock.fileno())


class StrictHeads:
    """Refuses heads that Tornado would accept and our own server does not (RFC 9112, 2.2 and 9.6).

    Args:
        connection: Tornado's connection; the next head that it reads is checked.
        site: turns a refusal into an answer.
        limits: how large a head may be.
    """

    def __init__(self, connection: HTTPConnection, site: Site, limits: Limits) -> None:
        known: Any = connection
        self._connection = known
        self._site = site
        self._limits = limits
        self._parse = self._connection._parse_headers
        self._connection._parse_headers = self._check

    def _check(self, head: bytes) -> tuple[str, HTTPHeaders]:
        # Removed, because the connection and this object would refer to each other.
        del self._connection._parse_headers
        if len(head) > self._limits.header:
            self._refuse(Refusal(431, "the header is too large"))
        if BARE_LINE_FEED.search(head):
            self._refuse(Refusal(400, "a line ends without a carriage return"))
        line, headers = self._parse(head)
        if line.startswith("CONNECT "):
            self._refuse(Refusal(405, "this server is no proxy: it has no CONNECT"))
        if len(list(headers.get_all())) > self._limits.headers:
            self._refuse(Refusal(431, "too many headers"))
        if line.endswith(" HTTP/1.0") and "Transfer-Encoding" in headers:
            self._refuse(Refusal(400, "HTTP/1.0 has no Transfer-Encoding"))
        options = [option.strip().lower() for option in headers.get("Connection", "").split(",")]
        if len(options) > 1 and "close" in options:
            headers["Connection"] = "close"  # Tornado does not understand a list of options
        if "Content-Length" in headers or "Transfer-Encoding" in headers:
            self._limit_body(line, headers)
        return line, headers

    def _limit_body(self, line: str, headers: HTTPHeaders) -> None:
        """Limit a body that may be large to the bytes that its endpoint allows."""
        most, small = self._limits.body, self._limits.small_body
        length = headers.get("Content-Length", "")
        if len(length) > DIGITS or (length.isdecimal() and int(length) > most):
            self._refuse(Refusal(413, "the body is too large"))
        size = int(length) if length.isdecimal() else 0
        if size > small or not length:
            limit = self._admit_body(line, headers, size)
            most = most if limit is None else min(most, max(limit, small))
        self._connection.set_max_body_size(most)

    def _admit_body(self, line: str, headers: HTTPHeaders, size: int) -> int | None:
        method, _, rest = line.partition(" ")
        request = Request()
        request.method, request.target = method.encode("latin-1"), rest.partition(" ")[0].encode("latin-1")
        request.path = request.target.partition(b"?")[0]
        request.host = headers.get("Host", "").encode("latin-1")
        request.headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.get_all()
        ]
        try:
            return self._site.admit_body(request, size)
        except RequestError as error:
            self._refuse(Refusal(error.status, error.message))

    def _refuse(self, refusal: Refusal) -> NoReturn:
        request, stream = Request(), self._connection.stream
        request.peer = peer_of(self._connection.context.address)
        status, body, head = self._site.refuse(refusal, request)
        date = b"Date: %b\r\n" % format_timestamp(time.time()).encode()
        stream.write(whole_answer(status, date, head + CLOSE, body)).add_done_callback(
            lambda _: stream.close()
        )
        raise StreamClosedError  # which ends Tornado's work on this connection without another answer


class SiteDelegate(HTTPServerConnectionDelegate):
    """Sends each request to its endpoint, or to the application."""

    def __init__(self, site: Site, proxies: TrustedProxies, limits: Limits) -> None:
        self._site = site
        self._proxies = proxies
        self._limits = limits

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        StrictHeads(request_conn, self._site, self._limits)
        return RequestDelegate(self._site, self._proxies, server_conn, request_conn)

    def on_close(self, server_conn: object) -> None:
        self._site.application.on_close(server_conn)


class RequestDelegate(HTTPMessageDelegate):
    """Reads one request, and passes it to its endpoint or handler."""

    def __init__(
        self,
        site: Site,
        proxies: TrustedProxies,
        server_conn: object,
        connection: HTTPConnection,
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
        request.path = request.target.partition(b"?")[0]
        request.host, request.origin = request.header(b"host"), request.header(b"origin")
        request.peer = peer_of(context.address)
        if self._proxies.trusts(request.peer):
            self._proxies.resolve(request)
        else:
            self._proxies.warn_untrusted(request)
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
        self._site.answer(self._endpoint, self._request, TornadoReply(self._connection, self._request))

    def on_connection_close(self) -> None:
        if self._delegate is not None:
            self._delegate.on_connection_close()


class TornadoReply(Reply):
    """The answer to one request on Tornado's connection."""

    def __init__(self, connection: HTTPConnection, request: Request) -> None:
        super().__init__(head_only=request.method == b"HEAD")
        self._connection: HTTPConnection | None = connection
        self._until_close = request.version == "1.0"
        self._stream: IOStream = connection.stream  # type: ignore[attr-defined]
        connection.set_close_callback(self.closed)  # type: ignore[attr-defined]

    def send(self, status: int, body: bytes, head: bytes = JSON) -> None:
        connection = self._connection
        if connection is None:
            return
        if self._writer is not None:
            # Later: Tornado reports a closed stream only after the endpoint has returned.
            asyncio.get_running_loop().call_soon(self._stream.close)
            return
        self._connection = self.owner = None
        status, body, head = self._transformed(status, body, head)
        headers = _headers(head)
        if status not in BODILESS:  # RFC 9110, 8.6
            headers["Content-Length"] = str(len(body))
        connection.set_close_callback(None)  # type: ignore[attr-defined]
        connection.write_headers(_line(status), headers, None if self._head_only else body)
        connection.finish()

    def begin(self, status: int, head: bytes, chunk: bytes, writer: Writer) -> bool:
        connection = self._connection
        if connection is None:
            return False
        self.owner = self._writer = writer
        status, _, head = self._transformed(status, b"", head)
        if not self._stream.closed():
            self._stream.set_nodelay(True)
        connection.write_headers(_line(status), _headers(head), None if self._head_only else chunk)
        return self._may_go_on()

    def write(self, chunk: bytes) -> bool:
        connection = self._connection
        if connection is None or self._stream.closed():
            return False
        if not self._head_only:
            connection.write(chunk)
        return self._may_go_on()

    def _may_go_on(self) -> bool:
        stream = self._stream
        if stream.writing():
            stream.write(b"").add_done_callback(self._flushed)
            return False
        return not stream.closed()

    def end(self) -> None:
        connection, stream = self._connection, self._stream
        self._connection = self.owner = self._writer = None
        if connection is None:
            return
        connection.set_close_callback(None)  # type: ignore[attr-defined]
        connection.finish()
        if self._until_close and not stream.closed():
            # Otherwise Tornado would keep the connection if the browser asked for that.
            stream.write(b"").add_done_callback(lambda _: stream.close())

    def _flushed(self, written: asyncio.Future[None]) -> None:
        if not written.exception():
            self.writable()

    def closed(self) -> None:
        self._connection = None
        super().closed()


def _line(status: int) -> ResponseStartLine:
    return ResponseStartLine("HTTP/1.1", status, REASONS[status].decode())


def _headers(head: bytes) -> HTTPHeaders:
    headers = HTTPHeaders.parse(head.decode("latin-1"))
    headers["Date"] = format_timestamp(time.time())
    return headers
