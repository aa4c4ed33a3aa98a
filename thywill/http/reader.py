"""Bytes in, whole requests out: httptools (llhttp) with limits.

llhttp is strict about what smuggles requests through proxies: it refuses a Content-Length beside a
Transfer-Encoding, doubled or malformed lengths, and bare line feeds (RFC 9112, sections 6 and 11.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import httptools

from thywill.http.message import Request

VERSIONS = ("1.1", "1.0")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one request may hold: ``header`` and ``body`` in bytes, ``headers`` and ``pipeline`` by number."""

    header: int = 16 * 1024
    headers: int = 100
    body: int = 1024 * 1024
    pipeline: int = 32


class Refusal(Exception):
    """The bytes are not a request that can be served: answer ``status`` and close."""

    codes: ClassVar[dict[int, str]] = {408: "timeout", 413: "too_large", 429: "too_many", 431: "too_large"}

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason

    @property
    def code(self) -> str:
        """The code of the error on the wire."""
        return self.codes.get(self.status, "malformed")


class RequestReader:
    """Reads the requests of one connection, one after another.

    Between two requests it holds nothing of the connection's, so a server lends few readers to many
    connections. One that has refused, or is not ``reusable``, must not be used again.
    """

    __slots__ = (
        "_body",
        "_chunk",
        "_complete",
        "_fed",
        "_head",
        "_limits",
        "_parser",
        "_refusal",
        "_request",
        "reusable",
    )

    def __init__(self, limits: Limits) -> None:
        self.reusable = True
        self._limits = limits
        self._parser = httptools.HttpRequestParser(self)
        self._request: Request | None = None
        self._body: list[bytes] = []
        self._head = True
        self._fed = self._chunk = 0
        self._refusal: Refusal | None = None
        self._complete: list[Request] = []

    @property
    def between(self) -> bool:
        """Whether no request has been begun."""
        return self._request is None

    @property
    def awaits_body(self) -> bool:
        """Whether the browser waits for ``100 Continue`` before it sends the body (RFC 9110, 10.1.1)."""
        return self._request is not None and not self._head and self._request.expects and not self._body

    @property
    def in_body(self) -> bool:
        """Whether the head has been read and the body has not."""
        return self._request is not None and not self._head

    def feed(self, data: bytes) -> list[Request]:
        """Return the requests that ``data`` completes, in order.

        Raises:
            Refusal: after ``take_complete`` has what came before the offence.
        """
        self._chunk = len(data)
        self._fed += self._chunk
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            return self._after_upgrade(data, upgrade.args[0])
        except httptools.HttpParserError as error:
            raise self._refusal or Refusal(400, str(error) or "malformed HTTP") from None
        if self._head and self._request is not None and self._fed > self._limits.header:
            raise Refusal(431, "the header is too large")
        return self.take_complete()

    def take_complete(self) -> list[Request]:
        """Return the requests that are complete and were not returned yet."""
        complete = self._complete
        if complete:
            self._complete = []
        return complete

    def _after_upgrade(self, data: bytes, offset: int) -> list[Request]:
        # No protocol to upgrade to is spoken here, so the request is a plain one (RFC 9110, 7.8). The
        # parser has stopped at its end and cannot go on.
        self._parser = httptools.HttpRequestParser(self)
        return self.feed(data[offset:]) if offset < len(data) else self.take_complete()

    # What httptools calls.

    def on_message_begin(self) -> None:
        self._request = Request()
        self._head = True
        # Behind another request in the same chunk, where this one begins is not known.
        self._fed = 0 if self._complete else self._chunk

    def on_url(self, url: bytes) -> None:
        request = self._current()
        request.target += url
        if len(request.target) > self._limits.header:
            self._refuse(431, "the address is too long")

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self._head:
            return  # a trailer: nothing here has a use for one (RFC 9110, 6.5.1)
        headers = self._current().headers
        headers.append((name, value))
        if len(headers) > self._limits.headers:
            self._refuse(431, "too many headers")
        if len(name) == 4 and name.lower() == b"host":
            self._set_host(value)
        elif len(name) == 6 and name.lower() == b"expect" and value.lower() == b"100-continue":
            self._current().expects = True

    def _set_host(self, value: bytes) -> None:
        request = self._current()
        if request.host is not None:
            self._refuse(400, "two Host headers")
        request.host = value

    def on_headers_complete(self) -> None:
        request = self._current()
        request.version = self._parser.get_http_version()
        if request.version not in VERSIONS:
            self._refuse(505, "only HTTP/1.0 and HTTP/1.1 are spoken here")
        if request.host is None and request.version == "1.1":
            self._refuse(400, "no Host header")  # RFC 9112, 3.2
        self._check_sizes(request)
        self._head = False
        self._fed = 0
        request.method = self._parser.get_method()
        request.keep_alive = self._parser.should_keep_alive()

    def _check_sizes(self, request: Request) -> None:
        size = len(request.target) + sum(len(name) + len(value) + 4 for name, value in request.headers)
        if size > self._limits.header:
            self._refuse(431, "the header is too large")
        length = request.header(b"content-length")
        if length is not None and int(length) > self._limits.body:
            self._refuse(413, "the body is too large")

    def on_body(self, chunk: bytes) -> None:
        self._body.append(chunk)
        if self._fed > self._limits.body and sum(map(len, self._body)) > self._limits.body:
            self._refuse(413, "the body is too large")

    def on_message_complete(self) -> None:
        request = self._current()
        body = self._body
        request.body = body[0] if len(body) == 1 else b"".join(body)
        body.clear()
        self._request = None
        self.reusable = request.keep_alive  # after the last request of a connection the parser is at its end
        self._complete.append(request)
        if len(self._complete) > self._limits.pipeline:
            self._refuse(429, "too many requests at once")

    def _current(self) -> Request:
        assert self._request is not None, "the parser begins every message"
        return self._request

    def _refuse(self, status: int, reason: str) -> None:
        self._refusal = Refusal(status, reason)
        raise self._refusal
