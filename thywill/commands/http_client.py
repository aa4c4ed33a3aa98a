"""An HTTP client that records when each part of an answer arrives."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import ssl
import time
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from tornado.httpclient import AsyncHTTPClient, HTTPRequest
from tornado.httputil import HTTPHeaders
from tornado.simple_httpclient import HTTPStreamClosedError, HTTPTimeoutError

from thywill.commands import remedies
from thywill.core import probe

MAX_CONCURRENT = 32
"""Requests at the same time: all transports are tried together, and each needs some requests."""
TIMEOUT = 10.0
GZIP = 16 + zlib.MAX_WBITS


class Unreachable(Exception):
    """No answer arrived, or it broke off.

    Args:
        reason: what happened, as the second half of a sentence.
        remedy: what to do about it.
    """

    def __init__(self, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.remedy = remedy


@dataclass
class Answer:
    """An answer, as far as it has arrived.

    Args:
        status: the HTTP status; 0 until the header has arrived.
        headers: its headers.
        body: the part of the body that has arrived, decompressed.
        seconds: after how many seconds the first part of the body arrived, or None.
        error: why the answer broke off, or None.
    """

    status: int = 0
    headers: HTTPHeaders = field(default_factory=HTTPHeaders)
    body: bytes = b""
    seconds: float | None = None
    error: Exception | None = None

    @property
    def json(self) -> Any:
        """The JSON object in the body, or an empty one if the body holds something else."""
        try:
            value = json.loads(self.body)
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def code(self) -> str:
        """The code of the error that thywill answered, or an empty text."""
        error = self.json.get("error")
        return str(error.get("code", "")) if isinstance(error, dict) else ""

    @property
    def encoding(self) -> str:
        """How the body was compressed, or an empty text."""
        return str(self.headers.get("Content-Encoding", ""))


class HttpClient:
    """Sends requests to one server.

    Args:
        url: where browsers find the server.
        insecure: whether to accept a wrong certificate.
    """

    def __init__(self, url: str, *, insecure: bool) -> None:
        self.url = url if url.endswith("/") else url + "/"
        self.slowest = 0.0
        """How many seconds the slowest answer took; a distant server is slow even if no proxy buffers."""
        self._insecure = insecure
        self._http = AsyncHTTPClient(force_instance=True, max_clients=MAX_CONCURRENT)

    @property
    def origin(self) -> str:
        """The origin of the server's own pages."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"

    @property
    def scheme(self) -> str:
        """The scheme of the URL: http or https."""
        return urlsplit(self.url).scheme

    def close(self) -> None:
        """Close every connection."""
        self._http.close()

    def begin(self, path: str, *, timeout: float = TIMEOUT, **options: Any) -> PendingRequest:
        """Send a request and return at once; ``answer`` of the result grows as the answer arrives.

        Args:
            path, timeout, options: as for ``fetch``.
        """
        return PendingRequest(self, path, timeout, options)

    async def fetch(self, path: str, *, timeout: float = TIMEOUT, **options: Any) -> Answer:
        """Send a request and return the whole answer.

        Args:
            path: relative to the URL of the server.
            timeout: seconds until the request is abandoned.
            options: ``method``, ``headers``, and ``body`` as bytes or as an object to be sent as JSON.

        Raises:
            Unreachable: no whole answer arrived.
        """
        request = self.begin(path, timeout=timeout, **options)
        await request.done()
        self.slowest = max(self.slowest, request.duration)
        if request.answer.error is not None:
            raise explain(request.answer.error, self.url)
        return request.answer

    def request(self, path: str, timeout: float, options: Mapping[str, Any]) -> HTTPRequest:
        """Return a request for Tornado's client; the arguments are those of ``fetch``."""
        body = options.get("body")
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
        return HTTPRequest(
            urljoin(self.url, path),
            method=options.get("method", "GET" if body is None else "POST"),
            headers={"Accept-Encoding": "gzip", **options.get("headers", {})},
            body=body,
            connect_timeout=min(timeout, TIMEOUT),
            request_timeout=timeout,
            follow_redirects=False,
            decompress_response=False,
            user_agent=probe.AGENT,
            validate_cert=not self._insecure,
            allow_nonstandard_methods=True,
        )

    async def send(self, request: HTTPRequest) -> None:
        """Send a request; its callbacks receive the answer."""
        await self._http.fetch(request, raise_error=False)


class PendingRequest:
    """A request under way; ``answer`` grows as it arrives.

    Args:
        http: sends the request.
        path, timeout, options: as for ``HttpClient.fetch``.
    """

    def __init__(self, http: HttpClient, path: str, timeout: float, options: Mapping[str, Any]) -> None:
        self.answer = Answer()
        self.began = time.monotonic()
        self.ended: float | None = None
        self._http = http
        self._unpack = zlib.decompressobj(GZIP)
        self._news = asyncio.Event()
        request = http.request(path, timeout, options)
        request.header_callback = self._take_line
        request.streaming_callback = self._take
        self._task = asyncio.ensure_future(self._run(request))

    async def done(self) -> None:
        """Wait until the answer has ended or broken off."""
        await asyncio.wait([self._task])

    async def wait_for(self, text: bytes, seconds: float) -> bool:
        """Return whether ``text`` arrives within ``seconds``, as soon as that is known."""
        end = time.monotonic() + seconds
        while text not in self.answer.body:
            left = end - time.monotonic()
            if left <= 0 or self._task.done():
                return False
            self._news.clear()
            waiting = asyncio.ensure_future(self._news.wait())
            await asyncio.wait([waiting, self._task], timeout=left, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
        return True

    @property
    def duration(self) -> float:
        """Seconds from the request to the answer's end, or until now."""
        return (self.ended or time.monotonic()) - self.began

    async def _run(self, request: HTTPRequest) -> None:
        try:
            await self._http.send(request)
        except (OSError, HTTPStreamClosedError, HTTPTimeoutError, ValueError) as error:
            self.answer.error = error
        self.ended = time.monotonic()

    def _take_line(self, line: str) -> None:
        if line.startswith("HTTP/"):
            self.answer.status = int(line.split()[1])
            self.answer.headers = HTTPHeaders()
        elif line.strip():
            self.answer.headers.parse_line(line)

    def _take(self, chunk: bytes) -> None:
        if self.answer.seconds is None:
            self.answer.seconds = time.monotonic() - self.began
        self.answer.body += self._unpack.decompress(chunk) if self.answer.encoding == "gzip" else chunk
        self._news.set()


def explain(error: Exception, url: str) -> Unreachable:
    """Return what an error of the network means and what to do about it; ``url`` was asked."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return Unreachable(
            f"its certificate is refused: {error.verify_message}",
            "ssl_certificate /etc/letsencrypt/live/NAME/fullchain.pem; (the whole chain, of this name)",
        )
    if isinstance(error, ssl.SSLError):
        reason = error.reason or str(error)
        return Unreachable(
            f"this port does not speak TLS: {reason}", "listen 443 ssl; (or use http:// in the address)"
        )
    if isinstance(error, socket.gaierror):
        host = urlsplit(url).hostname
        return Unreachable(f"the name {host} is not known", f"a DNS record for {host}, or the right name")
    if isinstance(error, HTTPTimeoutError):
        return Unreachable("no answer came in time", "a look at the firewall, and whether run.py runs")
    if isinstance(error, OSError) and error.errno == errno.ECONNREFUSED:
        return Unreachable("nothing listens there", _start(urlsplit(url)))
    if isinstance(error, HTTPStreamClosedError):
        return Unreachable(
            "the connection was closed without an answer in HTTP", "a look at the address and its port"
        )
    return Unreachable(f"no answer: {error}", "a look at the address")


def _start(parts: SplitResult) -> str:
    """Return how to start what should listen at an address: the server itself, or nginx before it."""
    if parts.scheme != "http" or parts.port in (None, 80):  # browsers reach these by a proxy
        return remedies.START_ALL
    host = parts.hostname or ""
    is_here = host in ("localhost", "::1") or host.startswith("127.")
    return (remedies.START if is_here else remedies.START_THERE).format(parts.port)
