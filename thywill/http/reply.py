"""The answer to one request on our connection, written as few bytes objects as can be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from thywill.http.message import JSON, REASONS, Dress, Owner, Request, Writer

if TYPE_CHECKING:
    from thywill.http.connection import Connection

CLOSE = b"Connection: close\r\n"
KEEP_ALIVE = b"Connection: keep-alive\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


class Formatter:
    """Writes down whole answers, and remembers the last: thousands of browsers get a broadcast in the same
    bytes."""

    __slots__ = ("_answer", "_parts")

    def __init__(self) -> None:
        self._parts: tuple[int, bytes, bytes, bytes] | None = None
        self._answer = b""

    def format(self, status: int, date: bytes, head: bytes, body: bytes) -> bytes:
        """Return the answer; ``date`` and ``head`` are whole header lines."""
        parts = (status, date, head, body)
        if parts != self._parts:
            # RFC 9110, 8.6
            length = b"" if status == 204 else b"Content-Length: %d\r\n" % len(body)
            self._answer = b"HTTP/1.1 %d %b\r\n%b%b%b\r\n%b" % (
                status,
                REASONS[status],
                date,
                head,
                length,
                body,
            )
            self._parts = parts
        return self._answer


class FastReply:
    """The answer to one request on a ``Connection``."""

    __slots__ = (
        "_chunked",
        "_connection",
        "_connection_header",
        "_head_only",
        "_writer",
        "dress",
        "owner",
    )

    def __init__(self, connection: Connection, request: Request) -> None:
        self._connection: Connection | None = connection
        self._connection_header = connection_header(request)
        self._head_only = request.method == b"HEAD"
        self._chunked = request.version == "1.1"
        self._writer: Writer | None = None
        self.owner: Owner | None = None
        self.dress: Dress | None = None

    def send(self, status: int, body: bytes, head: bytes = JSON) -> None:
        connection = self._connection
        if connection is None:
            return
        if self._writer is not None:
            connection.abort()
            return
        self._connection = self.owner = None
        if self.dress is not None:
            status, body, head = self.dress(status, body, head)
        server = connection.server
        # One of a server that stops is its connection's last, which the browser has to know.
        connection_header = CLOSE if server.stopping else self._connection_header
        answer = server.formatter.format(status, server.date, head + connection_header, body)
        connection.answer(answer[: len(answer) - len(body)] if self._head_only else answer)
        connection.finished(close=connection_header == CLOSE)

    def begin(self, status: int, head: bytes, chunk: bytes, writer: Writer) -> bool:
        connection = self._connection
        if connection is None:
            return False
        self.owner = self._writer = writer
        if self.dress is not None:
            status, _, head = self.dress(status, b"", head)
        # HTTP/1.0 knows no chunks: the end of the connection is that of the answer (RFC 9112, 6.3).
        if connection.server.stopping or not self._chunked:
            self._connection_header = CLOSE
        return connection.write_part(
            b"HTTP/1.1 %d %b\r\n%b%b%b%b\r\n%b"
            % (
                status,
                REASONS[status],
                connection.server.date,
                head,
                self._connection_header,
                CHUNKED if self._chunked else b"",
                self._piece(chunk),
            )
        )

    def write(self, chunk: bytes) -> bool:
        connection = self._connection
        return connection is not None and connection.write_part(self._piece(chunk))

    def _piece(self, chunk: bytes) -> bytes:
        if self._head_only:
            return b""
        return b"%x\r\n%b\r\n" % (len(chunk), chunk) if self._chunked else chunk

    def end(self) -> None:
        connection = self._connection
        if connection is None:
            return
        self._connection = self.owner = self._writer = None
        if self._chunked and not self._head_only:
            connection.write(b"0\r\n\r\n")
        connection.finished(close=self._connection_header == CLOSE)

    def writable(self) -> None:
        if self._writer is not None:
            self._writer.writable()

    def closed(self) -> None:
        owner, self.owner = self.owner, None
        self._connection = self._writer = None
        if owner is not None:
            owner.closed()


def connection_header(request: Request) -> bytes:
    """Return the Connection header of the answer: HTTP/1.0 has to be told that the connection stays."""
    if not request.keep_alive:
        return CLOSE
    return KEEP_ALIVE if request.version == "1.0" else b""
