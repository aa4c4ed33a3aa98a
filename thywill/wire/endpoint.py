"""Endpoints that speak JSON: by POST, across origins (CORS), and as JSONP for browsers without CORS."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Generic

import msgspec

from thywill.core import envelope
from thywill.errors import BadOrigin, Malformed, MethodNotAllowed, UnsupportedEncoding
from thywill.http.message import JSON, Reply, Request

SCRIPT = JSON.replace(b"application/json", b"application/javascript; charset=UTF-8")
CALLBACK = re.compile(r"[A-Za-z_$][\w$]{0,63}(\.[A-Za-z_$][\w$]{0,63}){0,4}", re.ASCII)
ORIGIN = re.compile(r"[a-z]+://[^/?#]*", re.IGNORECASE)
PREFLIGHT = (
    b"Access-Control-Allow-Methods: POST\r\n"
    b"Access-Control-Allow-Headers: Content-Type\r\n"
    b"Access-Control-Max-Age: 86400\r\n"
)
METHODS = "GET, OPTIONS, POST"
DEFAULT_PORTS = {"http": 80, "https": 443}
CODING_SHOWN = 40
"""Characters of a Content-Encoding that are said back to the browser."""


class Origins:
    """Which pages may speak to the server: those it served itself, and those of the origins in the settings.

    Args:
        allowed: origins such as ``https://example.org``; ``*`` allows every page.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(origin.rstrip("/").lower() for origin in allowed)

    def any(self) -> bool:
        """Tell whether any other origin is allowed."""
        return bool(self._allowed)

    def allowed(self) -> list[str]:
        """Return the other origins that are allowed."""
        return sorted(self._allowed)

    def is_own(self, origin: str, host: bytes | None) -> bool:
        """Tell whether ``origin`` is that of our own pages. A proxy may end TLS, so only the host counts."""
        scheme, _, authority = origin.lower().partition("://")
        if scheme not in DEFAULT_PORTS or not authority:
            return False
        own = (host or b"").decode("latin-1").lower()
        return own in (authority, f"{authority}:{DEFAULT_PORTS[scheme]}")

    def is_named(self, origin: str) -> bool:
        """Tell whether ``origin`` itself stands in the settings: only such a page may join a session."""
        return origin.lower() in self._allowed

    def check(self, origin: str, host: bytes | None) -> bool:
        """Tell whether ``origin`` is another one than our own.

        Raises:
            BadOrigin: it is, and is not allowed.
        """
        if self.is_own(origin, host):
            return False
        if "*" in self._allowed or origin.lower() in self._allowed:
            return True
        raise BadOrigin("pages of this origin are not allowed here: see origins in [client_interface]")


class Cors:
    """Adds to an answer that a page of another origin may read it (Fetch standard, 3.2).

    With credentials, as a browser asks for them for the session's cookie; whether the cookie counts is
    decided by ``Origins.is_named``.
    """

    def __init__(self, origin: bytes) -> None:
        self._head = (
            b"Access-Control-Allow-Origin: %b\r\nAccess-Control-Allow-Credentials: true\r\nVary: Origin\r\n"
            % origin
        )

    def __call__(self, status: int, body: bytes, head: bytes) -> tuple[int, bytes, bytes]:
        return status, body, head + self._head


class Jsonp:
    """Wraps an answer into a call of the page's function.

    The status is always 200, since a script tag tells no other. The comment before it keeps other
    formats from being smuggled through the callback's name.
    """

    def __init__(self, callback: str) -> None:
        self._callback = callback.encode()

    def __call__(self, status: int, body: bytes, head: bytes) -> tuple[int, bytes, bytes]:
        # JavaScript before 2019 takes these two for line ends, which no string may hold.
        safe = body.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
        return 200, b"/**/%b(%b);" % (self._callback, safe), SCRIPT


Handle = Callable[[Any, Request, Reply], None]


class JsonEndpoint(Generic[envelope.Request]):
    """An address of the wire.

    Args:
        kind: the struct that a request's body holds.
        handle: answers a request that was decoded; may raise a ``RequestError``.
        origins: which pages may ask.
        trusting: whether a page may ask by JSONP without telling its origin, since it must show a token.
    """

    _kind: type[envelope.Request]

    def __init__(
        self, kind: type[envelope.Request], handle: Handle, origins: Origins, *, trusting: bool = True
    ) -> None:
        self._kind = kind
        self._handle = handle
        self._origins = origins
        self._trusting = trusting

    def __call__(self, request: Request, reply: Reply) -> None:
        if request.method == b"GET":
            self._script(request, reply)
            return
        self._admit(request, reply)
        if request.method == b"POST":
            self._handle(self._decode(request), request, reply)
        elif request.method == b"OPTIONS":
            reply.send(200, b"", PREFLIGHT)
        else:
            raise MethodNotAllowed("only POST is allowed here", METHODS)

    def _admit(self, request: Request, reply: Reply) -> None:
        origin = request.header(b"origin")
        if origin is not None and self._origins.check(origin.decode("latin-1"), request.host):
            reply.dress = Cors(origin)

    def _decode(self, request: Request) -> envelope.Request:
        try:
            return envelope.decode(self._kind, request.body)
        except Malformed:
            refuse_encoded(request)
            raise

    def _script(self, request: Request, reply: Reply) -> None:
        fields = request.query()
        callback = fields.pop("callback", None)
        if callback is None:
            raise MethodNotAllowed("only POST is allowed here, or GET with a callback", METHODS)
        if not CALLBACK.fullmatch(callback):
            raise Malformed("the callback is not the name of a function")
        reply.dress = Jsonp(callback)
        self._check_referer(request)
        self._handle(envelope.decode(self._kind, _query_to_json(fields)), request, reply)

    def _check_referer(self, request: Request) -> None:
        page = _asking_page(request)
        if page:
            self._origins.check(page, request.host)
        elif not self._origins.any():
            raise BadOrigin("no page of another origin is allowed here: see origins in [client_interface]")
        elif not self._trusting:
            raise BadOrigin("the browser did not say which page asks")


def refuse_encoded(request: Request) -> None:
    """Refuse a body that could not be read if the reason is its encoding.

    It is looked at only then: no body has to wait for a search of the headers.

    Raises:
        UnsupportedEncoding: the body is encoded.
    """
    coding = (request.header(b"content-encoding") or b"identity").decode("latin-1")
    if coding.lower() != "identity":
        raise UnsupportedEncoding(
            f"a body can't be read here with Content-Encoding {coding[:CODING_SHOWN]!r}: send it plain"
        )


def _asking_page(request: Request) -> str:
    """Return the origin of the page that a script tag stands in, or an empty text."""
    referer = (request.header(b"referer") or b"").decode("latin-1")
    origin = ORIGIN.match(referer)
    return origin[0] if origin else referer


def _query_to_json(fields: dict[str, str]) -> bytes:
    """Return a query's fields as the JSON object that a POST would have held."""
    known: dict[str, Any] = dict(fields)
    for name in ("cursor", "hold", "messages"):
        if name in known:
            known[name] = msgspec.Raw(fields[name].encode())
    return msgspec.json.encode(known)
