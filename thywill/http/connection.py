"""One connection: reads requests, has them answered one at a time, in order, and keeps to its deadlines."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol, cast

from tornado.concurrent import future_set_result_unless_cancelled

from thywill.core.wheel import Timed
from thywill.http.handler import HandlerConnection
from thywill.http.message import Refusal, Request
from thywill.http.reader import Arrived, RequestReader
from thywill.http.reply import CLOSE, FastReply

if TYPE_CHECKING:
    from thywill.http.server import FastServer

log = logging.getLogger(__name__)

KEPT = 64 * 1024
"""Bytes of answers to one browser that wait until all that has arrived is read."""


class Exchange(Protocol):
    """The request that is being answered."""

    def closed(self) -> None:
        """The connection closed before the answer was complete."""
        ...

    def writable(self) -> None:
        """The browser has read enough to be sent more."""
        ...


class Connection(asyncio.Protocol, Timed):
    """The server's end of one connection.

    Between requests it has no reader, and while a request waits for its answer it has no deadline: a
    parked client costs this object, its transport and its reply.
    """

    __slots__ = (
        "_answers",
        "_dispatching",
        "_exchange",
        "_lingering",
        "_paused",
        "_peer",
        "_pending",
        "_reader",
        "_trusted",
        "_writable",
        "server",
        "transport",
    )

    def __init__(self, server: FastServer) -> None:
        Timed.__init__(self)
        self.server = server
        self.transport: asyncio.Transport | None = None
        self._peer = ""
        self._trusted = False
        self._reader: RequestReader | None = None
        self._exchange: Exchange | None = None
        self._pending: Arrived | None = None
        self._writable: asyncio.Future[None] | None = None
        self._answers = b""
        self._dispatching = False
        self._lingering = False
        self._paused = False

    # What the loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not an isinstance check: uvloop's transports are not asyncio's.
        self.transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if peer else ""
        self._trusted = self.server.proxies.trusts(self._peer)
        self.server.opened(self)
        self._wait()

    def data_received(self, data: bytes) -> None:
        if self._lingering:
            return
        before = self._reader
        was_in_body = before is not None and before.in_body
        arrived = self._read(data)
        reader = self._reader
        if arrived:
            self._take(arrived)
        elif before is None or (reader is not None and reader.in_body != was_in_body):
            # A new deadline for each part of a request, not for each byte: it cannot be drawn out.
            self._wait()

    def eof_received(self) -> None:
        # A browser that has stopped sending does not wait for an answer either.
        self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        exchange, self._exchange = self._exchange, None
        self.transport = self._reader = self._pending = None
        self.server.wheel.cancel(self)
        self.server.closed(self)
        self._release_writers()
        if exchange is not None:
            exchange.closed()

    def pause_writing(self) -> None:
        self._writable = asyncio.get_running_loop().create_future()
        self._schedule(self.server.timeouts.write)

    def resume_writing(self) -> None:
        self._release_writers()
        exchange = self._exchange
        if exchange is None:
            self._next()
        elif self.is_open():
            self.server.wheel.cancel(self)
            exchange.writable()

    # What an exchange calls.

    def answer(self, data: bytes) -> None:
        """Send a whole answer; one to a request that was read just now, when all that has arrived is read.

        A proxy on the same machine is then woken once for the answers to many browsers: each time costs us
        as much as it costs to read a request.
        """
        if self.transport is None:
            return
        if not self._dispatching and not self._answers:
            self.transport.write(data)
            return
        if not self._answers:
            self.server.answer_soon(self)
        self._answers += data
        if len(self._answers) > KEPT:
            self.write_answers()

    def write_answers(self) -> None:
        """Send the answers that were kept until now."""
        answers, self._answers = self._answers, b""
        if answers and self.transport is not None:
            self.transport.write(answers)

    def write(self, data: bytes) -> None:
        """Send ``data``, or nothing where the connection has closed."""
        self.write_answers()
        if self.transport is not None:
            self.transport.write(data)

    def write_part(self, data: bytes) -> bool:
        """Send ``data`` likewise, and tell whether more may follow before the browser has read it."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return False
        self.write(data)
        return self._writable is None

    def flushed(self) -> asyncio.Future[None]:
        """Return the future that is done when the browser has read enough to be sent more, or is gone."""
        if self._writable is not None:
            return asyncio.shield(self._writable)
        # By way of the loop, so that a handler that writes on and on lets others run.
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        loop.call_soon(future_set_result_unless_cancelled, future, None)
        return future

    def is_open(self) -> bool:
        """Tell whether what is written can still arrive."""
        return self.transport is not None and not self.transport.is_closing()

    def finished(self, *, close: bool) -> None:
        """The answer to the current request is written."""
        self._exchange = None
        if close or self.server.stopping:
            self.close()
        elif self._dispatching:
            return
        elif self._pending or self._reader or self._writable or self._paused or not self.is_open():
            self._next()
        else:
            # Straight, since the thousands who wait for a broadcast pass here.
            self._schedule(self.server.timeouts.idle)

    def refuse(self, refusal: Refusal) -> None:
        """Answer and close, but read on for a moment: closing with unread bytes would reset the connection,
        and the browser would lose the answer (RFC 9112, 9.6)."""
        self._pending = self._reader = None
        self._lingering = True
        request = Request()
        request.peer = self._peer
        status, body, head = self.server.site.refuse(refusal, request)
        FastReply(self, request).send(status, body, head + CLOSE)
        self.write_answers()
        if self.transport is not None and self.is_open():
            self.transport.write_eof()
            self._schedule(self.server.timeouts.linger)

    def close(self) -> None:
        """Close when all that was written is sent."""
        self._pending = self._reader = None
        self.write_answers()
        if self.transport is not None:
            if self.transport.get_write_buffer_size():
                self._schedule(self.server.timeouts.write)
            self.transport.close()

    def abort(self) -> None:
        """Close at once; what was not sent is dropped."""
        if self.transport is not None:
            self.transport.abort()

    # What the server calls.

    def is_idle(self) -> bool:
        """Tell whether no request is being read or answered."""
        return self._exchange is None and self._reader is None and self.is_open()

    def close_if_idle(self) -> None:
        """Close unless a request is being read or answered."""
        if self.is_idle():
            self.close()

    def timed_out(self) -> None:
        """The deadline has passed."""
        if self._writable is not None:
            log.warning("%s does not read its answer: cut", self._peer)
        if self._reader is None or self._writable is not None:
            self.abort()
        else:
            self.refuse(Refusal(408, "the request did not arrive in time"))

    # Reading.

    def _read(self, data: bytes) -> Arrived:
        reader = self._reader or self.server.lend_reader()
        arrived = reader.feed(data)
        if reader.between:
            self._reader = None
            self.server.return_reader(reader)
        else:
            self._reader = reader
        return arrived

    def _take(self, arrived: Arrived) -> None:
        self._pending = [*self._pending, *arrived] if self._pending else arrived
        if self._exchange is None:
            self._next()
        if self._pending and self.transport is not None and self._is_enough(self._pending):
            self._paused = True
            self.transport.pause_reading()

    def _is_enough(self, pending: Arrived) -> bool:
        limits = self.server.limits
        if len(pending) >= limits.pipeline or (self._reader is not None and self._reader.unread):
            return True
        return sum(len(request.body) for request in pending if isinstance(request, Request)) >= limits.body

    def _wait(self) -> None:
        """Set the deadline for what the browser sends next, unless it is the browser that waits."""
        timeouts, reader = self.server.timeouts, self._reader
        if self._exchange is not None or self._writable is not None or self._lingering or not self.is_open():
            return
        if reader is None:
            self._schedule(timeouts.idle)
        elif not reader.in_body:
            self._schedule(timeouts.header)
        else:
            self._schedule(timeouts.body)
            if reader.take_expectation():
                self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _schedule(self, seconds: float) -> None:
        self.server.wheel.schedule(self, self.server.now() + seconds)

    # Answering.

    def _next(self) -> None:
        # A loop and a flag instead of a call from ``finished``: a hundred pipelined requests that are
        # answered at once must not become a hundred nested calls.
        self._dispatching = True
        try:
            while self._exchange is None and self._writable is None:
                request = self._take_next()
                if request is None:
                    break
                self._dispatch(request)
        finally:
            self._dispatching = False
        if self._exchange is None and self._writable is None and self.transport is not None:
            if self._paused:
                self._paused = False
                self.transport.resume_reading()
            self._wait()

    def _take_next(self) -> Request | Refusal | None:
        pending = self._pending
        if not pending and self._reader is not None and self._reader.unread:
            pending = self._read(b"")
        if not pending:
            return None
        request = pending.pop(0)
        self._pending = pending or None
        return request

    def _dispatch(self, request: Request | Refusal) -> None:
        if isinstance(request, Refusal):
            self.refuse(request)
            return
        self.server.wheel.cancel(self)
        request.peer = self._peer
        if self._trusted:
            self.server.proxies.resolve(request)
        else:
            self.server.proxies.doubt(request)
        endpoint = self.server.site.find(request)
        if endpoint is None:
            handler = self._exchange = HandlerConnection(self, request)
            handler.run(self.server.site.application)
        else:
            reply = self._exchange = FastReply(self, request)
            self.server.site.answer(endpoint, request, reply)

    def _release_writers(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None:
            writable.set_result(None)
