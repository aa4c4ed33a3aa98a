"""The answer to one request on our connection, written with as few bytes objects as possible."""

from __future__ import annotations

from typing import Final

from thywill.http.message import BODILESS, JSON, REASONS, Reply, Writer
from thywill.http.outgoing import Outgoing
from thywill.http.request import Request
from thywill.http.shared import Shared
from thywill.http.site import Endpoint

CLOSE: Final = b"Connection: close\r\n"
KEEP_ALIVE: Final = b"Connection: keep-alive\r\n"
CHUNKED: Final = b"Transfer-Encoding: chunked\r\n"


class FastReply(Reply):
    """The answer to one request on a connection of our server."""

    __slots__ = ("_chunked", "_connection", "_connection_header")

    def __init__(self, connection: Outgoing, request: Request) -> None:
        Reply.__init__(self, head_only=request.method == b"HEAD")
        self._connection: Outgoing | None = connection
        self._chunked = request.version == "1.1"
        self._connection_header = b"" if self._chunked and request.keep_alive else connection_header(request)

    @property
    def is_parked(self) -> bool:
        """Whether the answer waits for an event, such as a message, and has an owner to tell of a close."""
        return self.owner is not None

    def run(self, endpoint: Endpoint, request: Request) -> None:
        """Let ``endpoint`` answer, unless the connection has closed meanwhile."""
        if self._connection is not None:
            self._connection.shared.site.answer(endpoint, request, self)

    def send(self, status: int, body: bytes, head: bytes = JSON) -> None:
        connection = self._connection
        if connection is None:
            return
        if self._writer is not None:
            connection.abort()
            return
        self._connection = self.owner = None
        if self.transform is not None:
            status, body, head = self.transform(status, body, head)
        shared = connection.shared
        # A stopping server answers once more on each connection and tells the browser that it closes then.
        connection_header = CLOSE if shared.stopping else self._connection_header
        answer = format_answer(shared, status, head + connection_header, body)
        connection.answer(answer[: len(answer) - len(body)] if self._head_only else answer)
        connection.finished(close=connection_header == CLOSE)

    def begin(self, status: int, head: bytes, chunk: bytes, writer: Writer) -> bool:
        connection = self._connection
        if connection is None:
            return False
        self.owner = self._writer = writer
        status, _, head = self._transformed(status, b"", head)
        # HTTP/1.0 has no chunks: the answer ends where the connection closes (RFC 9112, 6.3).
        if connection.shared.stopping or not self._chunked:
            self._connection_header = CLOSE
        return connection.write_part(
            b"HTTP/1.1 %d %b\r\n%b%b%b%b\r\n%b"
            % (
                status,
                REASONS[status],
                connection.shared.date,
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

    def closed(self) -> None:
        self._connection = None
        super().closed()


def format_answer(shared: Shared, status: int, head: bytes, body: bytes) -> bytes:
    """Return a whole answer as bytes.

    The last answer is cached in ``shared``, because a broadcast repeats it thousands of times.

    Args:
        shared: holds the cache and the current Date line.
        status: the HTTP status.
        head: whole header lines, each with its line end.
        body: the body.
    """
    parts = (status, shared.date, head, body)
    last = shared.last_answer
    if last is not None and last[0] == parts:
        return last[1]
    answer = whole_answer(status, shared.date, head, body)
    shared.last_answer = (parts, answer)
    return answer


def whole_answer(status: int, date: bytes, head: bytes, body: bytes) -> bytes:
    """Return an answer as bytes; ``date`` and ``head`` consist of whole header lines."""
    length = b"" if status in BODILESS else b"Content-Length: %d\r\n" % len(body)  # RFC 9110, 8.6
    return b"HTTP/1.1 %d %b\r\n%b%b%b\r\n%b" % (status, REASONS[status], date, head, length, body)


def connection_header(request: Request) -> bytes:
    """Return the answer's Connection header; an HTTP/1.0 browser needs one to keep the connection."""
    if not request.keep_alive:
        return CLOSE
    return KEEP_ALIVE if request.version == "1.0" else b""
