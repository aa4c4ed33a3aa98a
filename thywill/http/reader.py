"""Reads bytes into whole requests: httptools (llhttp) with limits.

llhttp is strict where requests could be smuggled through proxies: it refuses a Content-Length beside a
Transfer-Encoding, doubled or malformed lengths, and bare line feeds (RFC 9112, sections 6 and 11.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NoReturn

import httptools

from thywill.errors import RequestError
from thywill.http.message import Refusal
from thywill.http.request import FORWARDED, Request

VERSIONS = ("1.1", "1.0")
ABSOLUTE = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://([^/?#]*)(.*)", re.DOTALL)
DIGITS = 20
"""The most digits of a Content-Length: the parser accepts any number of zeros, and ``int`` has a limit."""
HEAD_END: Final = b"\r\n\r\n"
PIECE = 64 * 1024
"""Bytes that are parsed at once; after each piece the requests in it are counted."""
READ_AT_ONCE = frozenset(
    len(name) for name in (b"host", b"origin", b"expect", b"content-length", b"transfer-encoding", *FORWARDED)
)
"""The lengths of the names of headers that are interpreted while the head is read: a check of the length is
faster than a comparison of names."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may use.

    Args:
        header, body: bytes of one request's head and body.
        headers: how many headers one request may have.
        small_body: bytes of a body that is read for every path; a larger one needs its endpoint's consent.
        held, held_per_address: bytes that may wait in memory, of the whole server and of one address.
        connections: connections of one address; behind a trusted proxy, its requests in flight.
        pipeline: how many requests may wait on one connection before the server stops reading from it.
        per_turn: requests of one connection that are answered in a row before others get their turn.
    """

    header: int = 16 * 1024
    headers: int = 100
    body: int = 1024 * 1024
    small_body: int = 4 * 1024
    held: int = 48 * 1024 * 1024
    held_per_address: int = 16 * 1024 * 1024
    connections: int = 2_000
    pipeline: int = 32
    per_turn: int = 8


AdmitBody = Callable[[Request, int], int | None]
"""Decides by a request's head whether its large body is read: ``thywill.http.site.Site.admit_body``."""


def admit_any(request: Request, size: int) -> int | None:
    """Allow a body of any size that ``Limits.body`` allows."""
    return None


class Stopped(Exception):
    """Raised inside a callback of the parser to end its work."""


Arrived = list[Request | Refusal]
"""The requests that were read, in order. Nothing follows a refusal."""


class RequestReader:
    """Reads the requests of one connection, one after another.

    Between two requests a reader holds no data of its connection, so a server lends few readers to many
    connections. After a refusal a reader ignores all further bytes.

    Args:
        limits: the limits of a request.
        admit_body: is asked about each body that is larger than ``limits.small_body``, before it is read.
    """

    __slots__ = (
        "_admit_body",
        "_body",
        "_chunk",
        "_complete",
        "_fed",
        "_fields",
        "_head",
        "_length",
        "_limits",
        "_missing",
        "_most",
        "_parser",
        "_refusal",
        "_request",
        "_rewritten",
        "_small",
        "_unread",
    )

    def __init__(self, limits: Limits, admit_body: AdmitBody = admit_any) -> None:
        self._limits = limits
        self._admit_body = admit_body
        self._parser = httptools.HttpRequestParser(self)
        self._request: Request | None = None
        self._body = bytearray()
        self._fields: list[tuple[bytes, bytes]] = []
        self._head = True
        self._fed = self._chunk = 0
        self._length = self._missing = 0
        self._small = self._most = min(limits.small_body, limits.body)
        self._refusal: Refusal | None = None
        self._rewritten = False
        self._complete: Arrived = []
        self._unread = b""

    @property
    def between(self) -> bool:
        """Whether no request has begun, so that the reader may be lent to another connection."""
        return self._request is None and self._refusal is None and not self._unread

    @property
    def in_body(self) -> bool:
        """Whether the head has been read and the body has not."""
        return self._request is not None and not self._head

    @property
    def request(self) -> Request | None:
        """The request whose body is being read."""
        return None if self._head else self._request

    @property
    def held(self) -> int:
        """Bytes that have arrived of requests that are not whole or not parsed yet."""
        return len(self._body) + len(self._unread)

    @property
    def unread(self) -> bool:
        """Whether bytes have arrived that the next ``feed`` will parse."""
        return bool(self._unread)

    def take_expectation(self) -> bool:
        """Return once whether the browser waits for ``100 Continue`` to send the body (RFC 9110, 10.1.1)."""
        request = self._request
        if request is None or self._head or self._body or not request.expects:
            return False
        request.expects = False
        return True

    def feed(self, data: bytes) -> Arrived:
        """Return the requests that ``data`` completes.

        At most ``Limits.pipeline`` requests are returned; the rest of the bytes waits for the next call.
        """
        self._unread += data
        unread, start = self._unread, 0
        while start < len(unread) and len(self._complete) < self._limits.pipeline:
            end = self._end_of_piece(unread, start)
            piece = unread[start:end]
            start = end
            while piece:
                piece = self._parse(piece)
        self._unread = unread[start:]
        complete = self._complete
        if complete:
            self._complete = []
        return complete

    def _end_of_piece(self, data: bytes, start: int) -> int:
        """Return the end of a piece from ``start`` that completes at most ``Limits.pipeline`` requests.

        The parser does not stop between two requests. But each request has a head, which ends with an empty
        line, so the number of empty lines in the piece bounds the number of its requests.
        """
        end = min(start + PIECE, len(data))
        room = self._limits.pipeline - len(self._complete)
        if self._missing:
            return min(end, start + self._missing)
        if data.count(HEAD_END, start, end) < room:
            return end
        position = start
        for _ in range(room):
            position = data.find(HEAD_END, position, end) + len(HEAD_END)
        # One byte less: the head of one more request may have begun before this piece.
        return position - 1

    def _parse(self, piece: bytes) -> bytes:
        """Parse ``piece``; return the bytes to parse next if the parser could not go on."""
        if self._refusal is not None:
            return b""
        self._chunk = len(piece)
        self._fed += self._chunk
        try:
            self._parser.feed_data(piece)
        except httptools.HttpParserUpgrade as upgrade:
            request = self._complete.pop()
            assert isinstance(request, Request)
            if not self._rewritten:
                return self._without_upgrade(request) + piece[upgrade.args[0] :]
            # A head that still offers an upgrade would be rewritten and parsed for ever.
            self._end(Refusal(400, "this request cannot be read without an upgrade"))
        except httptools.HttpParserError as error:
            self._end(self._refusal_for(error))
        else:
            if self._fed > self._limits.header and self._request is not None:
                self._end(Refusal(431, "the header is too large"))
        return b""

    def _refusal_for(self, error: Exception) -> Refusal:
        # In a method of its own: mypyc knows that there was no refusal before the parser was called, but not
        # that the parser calls our methods, which may set one.
        return self._refusal or Refusal(400, str(error))

    def _end(self, refusal: Refusal) -> None:
        self._refusal = refusal
        self._request = None
        self._missing = 0
        self._body.clear()
        self._complete.append(refusal)

    def _without_upgrade(self, request: Request) -> bytes:
        """Return the head of ``request`` without its offer to upgrade, which we ignore (RFC 9110, 7.8).

        At such an offer the parser stops for good and leaves the body unread, which would pass for the next
        request. So a new parser reads the head without the offer. Each head is rewritten only once.
        """
        lines = [b"%b %b HTTP/%b" % (request.method, request.target, request.version.encode())]
        lines += [b"%b: %b" % header for header in request.headers if header[0].lower() != b"upgrade"]
        self._parser = httptools.HttpRequestParser(self)
        self._rewritten = True
        return b"\r\n".join([*lines, b"", b""])

    # What httptools calls.

    def on_message_begin(self) -> None:
        self._request = request = Request()
        self._fields = request.fields = []
        self._head = True
        self._length = self._missing = 0
        # After another request in the same chunk, the parser does not tell where this one begins.
        self._fed = 0 if self._complete else self._chunk

    def on_url(self, url: bytes) -> None:
        request = self._current()
        request.target += url
        if len(request.target) > self._limits.header:
            self._refuse(431, "the address is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head:
            return  # a trailer, which may be ignored (RFC 9110, 6.5.1)
        fields = self._fields
        fields.append((name, value))
        if len(name) in READ_AT_ONCE:
            self._read_field(self._current(), name.lower(), value)
        if len(fields) > self._limits.headers:
            self._refuse(431, "too many headers")

    def _read_field(self, request: Request, name: bytes, value: bytes) -> None:
        if name == b"host":
            if request.host is not None:
                self._refuse(400, "two Host headers")
            request.host = value.strip()
        elif name == b"content-length":
            if len(value.strip()) > DIGITS or int(value) > self._limits.body:
                self._refuse(413, "the body is too large")
            self._length = int(value)
        elif name == b"transfer-encoding":
            if value.strip().lower() != b"chunked":
                self._refuse(501, "the only transfer encoding known here is chunked")  # RFC 9112, 6.1
        elif name == b"origin":
            if request.origin is None:
                request.origin = value.strip()
        elif name in FORWARDED:
            request.forwarded = True
        elif name == b"expect":
            request.expects = value.strip().lower() == b"100-continue"

    def on_headers_complete(self) -> None:
        request = self._current()
        request.method = self._parser.get_method()
        request.version = self._parser.get_http_version()
        request.keep_alive = self._parser.should_keep_alive()
        self._check_version(request)
        self._check_target(request)
        if self._fed + self._chunk > self._limits.header:
            self._check_size(request)
        self._most = self._small
        if self._length > self._most:
            self._check_body_limit(request, self._length)
        self._missing = self._length
        self._head = False
        self._fed = 0

    def _check_version(self, request: Request) -> None:
        if request.version not in VERSIONS:
            self._refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        if request.version == "1.0":
            request.expects = False  # RFC 9110, 10.1.1
            if request.header(b"transfer-encoding") is not None:
                self._refuse(400, "HTTP/1.0 has no Transfer-Encoding")  # RFC 9112, 6.1
        elif request.host is None:
            self._refuse(400, "no Host header")  # RFC 9112, 3.2

    def _check_target(self, request: Request) -> None:
        # Checked first, because the parser treats every CONNECT as an upgrade.
        if request.method == b"CONNECT":
            self._refuse(405, "this server is no proxy: it has no CONNECT")
        if request.target.startswith(b"/"):
            request.path = request.target.partition(b"?")[0]
            return
        absolute = ABSOLUTE.fullmatch(request.target)
        if absolute is not None:  # the host in the target replaces the Host header (RFC 9112, 3.2.2)
            request.host, target = absolute.groups()
            request.target = target if target.startswith(b"/") else b"/" + target
            others = [header for header in request.headers if header[0].lower() != b"host"]
            request.headers = [(b"Host", request.host), *others]
        request.path = request.target.partition(b"?")[0]

    def _check_size(self, request: Request) -> None:
        size = len(request.target) + sum(len(name) + len(value) + 4 for name, value in request.headers)
        if size > self._limits.header:
            self._refuse(431, "the header is too large")

    def on_body(self, chunk: bytes) -> None:
        self._fed = 0
        self._body += chunk
        self._missing = max(0, self._missing - len(chunk))
        if len(self._body) > self._most:
            self._check_body_limit(self._current(), len(self._body))

    def _check_body_limit(self, request: Request, size: int) -> None:
        try:
            limit = self._admit_body(request, size)
        except RequestError as error:
            self._refuse(error.status, error.message)
        self._most = self._limits.body if limit is None else min(limit, self._limits.body)
        if size > self._most:
            self._refuse(413, "the body is too large")

    def on_message_complete(self) -> None:
        request = self._current()
        if self._body:
            request.body = bytes(self._body)
            self._body.clear()
        self._request = None
        if not self._parser.should_upgrade():
            self._rewritten = False
        if not request.keep_alive:  # a parser cannot be used after a connection's last request
            self._parser = httptools.HttpRequestParser(self)
        self._complete.append(request)

    def _current(self) -> Request:
        assert self._request is not None, "the parser begins every message"
        return self._request

    def _refuse(self, status: int, reason: str) -> NoReturn:
        self._refusal = Refusal(status, reason)
        raise Stopped


def size_of(pending: Arrived | None, reader: RequestReader | None) -> int:
    """Return the bytes in the bodies of ``pending``, plus the bytes that ``reader`` holds."""
    waiting = sum(len(each.body) for each in pending or () if isinstance(each, Request))
    return waiting + (reader.held if reader is not None else 0)


def discard(reader: RequestReader | None) -> None:
    """Drop the bytes that ``reader`` holds; it must not be used again.

    A reader and its parser refer to each other, so only the garbage collector frees them. The bytes of a
    large body must not wait for that.
    """
    if reader is not None:
        reader._body, reader._unread = bytearray(), b""
