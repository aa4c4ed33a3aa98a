"""Runs Tornado's handlers on our connections: implements Tornado's ``HTTPConnection`` interface.

A request is read completely before its handler begins, so a handler with ``stream_request_body`` gets the
body in one piece.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPInputError,
    HTTPMessageDelegate,
    HTTPOutputError,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)
from tornado.iostream import StreamClosedError

from thywill.http.message import BODILESS, Refusal
from thywill.http.outgoing import Outgoing
from thywill.http.request import Request

log = logging.getLogger(__name__)


class Context:
    """What Tornado's ``HTTPServerRequest`` reads from a connection's ``context``."""

    def __init__(self, request: Request) -> None:
        self.remote_ip = request.peer
        self.protocol = request.scheme
        self.address_family = None


class HandlerConnection(HTTPConnection):
    """One request that a Tornado application answers."""

    def __init__(self, connection: Outgoing, request: Request) -> None:
        self._connection: Outgoing | None = connection
        self._request = request
        self._close_callback: Callable[[], None] | None = None
        self._begun = False
        self._chunked = False
        self._close = not request.keep_alive
        self._remaining: int | None = None
        self._streaming: asyncio.Future[None] | None = None
        self.context = Context(request)

    def run(self, application: HTTPServerConnectionDelegate) -> None:
        """Let ``application`` handle the request, unless the connection has closed meanwhile."""
        if self._connection is None:
            return
        with self._refusing():
            delegate = application.start_request(self._connection, self)
            prepared = delegate.headers_received(self._start_line(), self._headers())
            if prepared is not None:
                self._streaming = asyncio.ensure_future(self._stream(delegate, prepared))
                return
            if self._request.body:
                delegate.data_received(self._request.body)
            delegate.finish()

    def _start_line(self) -> RequestStartLine:
        request = self._request
        return RequestStartLine(
            request.method.decode("latin-1"), request.target.decode("latin-1"), f"HTTP/{request.version}"
        )

    def _headers(self) -> HTTPHeaders:
        headers = HTTPHeaders()
        for name, value in self._request.headers:
            headers.add(name.decode("latin-1"), value.strip().decode("latin-1"))
        return headers

    async def _stream(self, delegate: HTTPMessageDelegate, prepared: Awaitable[None]) -> None:
        with self._refusing(delegate):
            await prepared
            # A handler that has already answered, or whose connection has closed, does not get the body.
            if self._connection is not None and self._request.body:
                received = delegate.data_received(self._request.body)
                if received is not None:
                    await received
            if self._connection is not None:
                delegate.finish()

    @contextmanager
    def _refusing(self, delegate: HTTPMessageDelegate | None = None) -> Iterator[None]:
        """Answer an error that the application did not catch, and tell ``delegate`` that the request ends."""
        try:
            yield
        except HTTPInputError as error:
            self._refuse(Refusal(400, str(error)), delegate)
        except Exception:
            log.exception("an error in the handler of %r", self._request.path)
            self._refuse(Refusal(500, "an error in the server"), delegate)

    def _refuse(self, refusal: Refusal, delegate: HTTPMessageDelegate | None) -> None:
        connection, self._connection = self._connection, None
        self._close_callback = None
        if delegate is not None:
            delegate.on_connection_close()
        if connection is None:
            return
        if self._begun:
            connection.abort()
        else:
            connection.refuse(refusal)

    @property
    def is_parked(self) -> bool:
        """Always false: we cannot know whether a handler waits for an event."""
        return False

    def closed(self) -> None:
        """The connection closed before the answer was complete."""
        self._connection = None
        callback, self._close_callback = self._close_callback, None
        if callback is not None:
            callback()

    def writable(self) -> None:
        """Does nothing: handlers await the futures that their writes return."""

    # tornado.httputil.HTTPConnection

    def set_close_callback(self, callback: Callable[[], None] | None) -> None:
        """Call ``callback`` when the connection closes before the answer is complete."""
        self._close_callback = callback

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
    ) -> asyncio.Future[None]:
        assert isinstance(start_line, ResponseStartLine)
        self._frame(start_line.code, headers)
        lines = [f"HTTP/1.1 {start_line.code} {start_line.reason}"]
        lines += [f"{name}: {value}" for name, value in headers.get_all()]
        if any("\r" in line or "\n" in line for line in lines):
            raise ValueError("a line break in a header")
        head = "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n"
        answer = head + self._format(chunk or b"")
        self._begun = True
        return self._send(answer)

    def write(self, chunk: bytes) -> asyncio.Future[None]:
        return self._send(self._format(chunk))

    def finish(self) -> None:
        connection, self._connection = self._connection, None
        self._close_callback = None
        if connection is None:
            return
        if self._remaining or not self._begun:
            # The browser would take the next answer for the rest of this one.
            log.error("%r: the answer is not complete", self._request.path)
            connection.abort()
            return
        if self._chunked:
            connection.write(b"0\r\n\r\n")
        connection.finished(close=self._close)

    # How the body is delimited: RFC 9112, 6.3.

    def _frame(self, code: int, headers: HTTPHeaders) -> None:
        if code in BODILESS or self._request.method == b"HEAD":
            self._remaining = 0
        elif "Content-Length" in headers:
            self._remaining = int(headers["Content-Length"])
        elif self._request.version == "1.1":
            self._chunked = True
            headers["Transfer-Encoding"] = "chunked"
        else:
            self._close = True
        stopping = self._connection is not None and self._connection.shared.stopping
        if self._close or stopping or headers.get("Connection", "").lower() == "close":
            self._close = True
            headers["Connection"] = "close"
        elif self._request.version == "1.0":
            headers["Connection"] = "keep-alive"

    def _format(self, chunk: bytes) -> bytes:
        if self._remaining is not None:
            if self._request.method != b"HEAD" and len(chunk) > self._remaining:
                raise HTTPOutputError("the body is longer than its Content-Length")
            self._remaining -= min(len(chunk), self._remaining)
            return b"" if self._request.method == b"HEAD" else chunk
        if self._chunked and chunk:
            return b"%x\r\n%b\r\n" % (len(chunk), chunk)
        return chunk

    def _send(self, data: bytes) -> asyncio.Future[None]:
        if self._connection is not None and self._connection.is_open():
            self._connection.write(data)
            return self._connection.flushed()
        future = asyncio.get_running_loop().create_future()
        future.set_exception(StreamClosedError())
        future.exception()  # counts as seen, so that asyncio does not log it if nobody awaits the write
        return future
