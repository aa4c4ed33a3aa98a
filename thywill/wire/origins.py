"""Pages of other origins: which may ask (``Origins``), and how they can read the answer (CORS, JSONP)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from thywill.core.origin import normalize
from thywill.errors import BadOrigin
from thywill.http.message import JSON
from thywill.http.request import Request

SCRIPT = (
    JSON.replace(b"application/json", b"application/javascript; charset=UTF-8")
    + b"Cross-Origin-Resource-Policy: cross-origin\r\n"
)
"""The header lines of a script; with them, a page that isolates itself (COEP require-corp) may load it."""
ORIGIN = re.compile(r"[a-z]+://[^/?#]*", re.IGNORECASE)
PORT = re.compile(r":\d*$")
SHOWN = 100
"""How many characters of an origin and of a Host an error repeats."""
HEADER_NAMES = re.compile(rb"(?=.{1,1000}$)[\w!#$%&'*+.^`|~-]+( *, *[\w!#$%&'*+.^`|~-]+)*", re.ASCII)
PREFLIGHT = (
    b"Access-Control-Allow-Methods: POST\r\n"
    b"Access-Control-Allow-Headers: %b\r\n"
    b"Access-Control-Max-Age: 86400\r\n"
)
DEFAULT_PORTS = {"http": 80, "https": 443}


class Origins:
    """Decides which pages may use the server: its own pages, and those of the origins in the settings.

    Args:
        allowed: origins such as ``https://example.org``; ``*`` allows every page.
    """

    def __init__(self, allowed: Iterable[str]) -> None:
        self._allowed = frozenset(normalize(origin) for origin in allowed)

    def any(self) -> bool:
        """Return whether any other origin is allowed."""
        return bool(self._allowed)

    def allowed(self) -> list[str]:
        """Return the other origins that are allowed."""
        return sorted(self._allowed)

    def is_own(self, origin: str, host: bytes | None) -> bool:
        """Return whether ``origin`` is that of our own pages.

        Only the host is compared and not the scheme, because a proxy may end TLS.
        """
        scheme, _, authority = origin.lower().partition("://")
        if scheme not in DEFAULT_PORTS or not authority:
            return False
        own = (host or b"").decode("latin-1").lower()
        return own in (authority, f"{authority}:{DEFAULT_PORTS[scheme]}")

    def is_named(self, origin: str) -> bool:
        """Return whether the settings list ``origin`` by name: only then may its pages join a session."""
        return origin.lower() in self._allowed

    def admit(self, origin: bytes, request: Request) -> bool:
        """Return the same as ``check``, for ``request`` with the header Origin.

        Raises:
            BadOrigin: as for ``check``.
        """
        verdict = request.verdict
        if verdict is None:
            return self.check(origin.decode("latin-1"), request.host)
        if verdict.is_other is None:
            verdict.is_other = self.check(origin.decode("latin-1"), request.host)
        return verdict.is_other

    def check(self, origin: str, host: bytes | None) -> bool:
        """Return whether ``origin`` is another origin than our own.

        Raises:
            BadOrigin: it is another origin that is not allowed.
        """
        if self.is_own(origin, host):
            return False
        if "*" in self._allowed or origin.lower() in self._allowed:
            return True
        raise BadOrigin(_reason(origin, host))


def _reason(origin: str, host: bytes | None) -> str:
    """Return the reason for which a page of ``origin`` is refused if the request's Host is ``host``."""
    asked = (host or b"").decode("latin-1")
    page = origin.partition("://")[2]
    if asked and page and _without_port(page) == _without_port(asked):
        return (
            f"the page is of {origin[:SHOWN]}, but Host is {asked[:SHOWN]}: a proxy on the way has to pass"
            " Host on with its port (nginx: proxy_set_header Host $http_host). Or see origins in"
            " [client_interface]"
        )
    return "pages of this origin are not allowed here: see origins in [client_interface]"


def _without_port(authority: str) -> str:
    return PORT.sub("", authority.lower())


def preflight(request: Request) -> bytes:
    """Return the header lines that allow what a page asks for in a preflight (Fetch standard, 4.8).

    Pages may add headers of their own, such as ``traceparent`` for tracing. All headers are allowed, because
    ``Origins`` decides whether the page may ask at all.
    """
    asked = request.header(b"access-control-request-headers") or b""
    headers = asked if HEADER_NAMES.fullmatch(asked) else b"Content-Type"
    return PREFLIGHT % headers


def asking_page(request: Request) -> str:
    """Return the origin of the page with the script tag that asks, or an empty text."""
    return origin_of((request.header(b"referer") or b"").decode("latin-1"))


def origin_of(referer: str) -> str:
    """Return the origin in a Referer. One without an origin is returned whole: no setting allows it."""
    origin = ORIGIN.match(referer)
    return origin[0] if origin else referer


class Cors:
    """Adds the header lines that let a page of another origin read the answer (Fetch standard, 3.2).

    They allow credentials, because a browser sends the session's cookie only then. Whether the cookie counts
    is decided by ``Origins.is_named``.
    """

    def __init__(self, origin: bytes) -> None:
        self._head = (
            b"Access-Control-Allow-Origin: %b\r\nAccess-Control-Allow-Credentials: true\r\nVary: Origin\r\n"
            % origin
        )

    def __call__(self, status: int, body: bytes, head: bytes) -> tuple[int, bytes, bytes]:
        return status, body, head + self._head


class ScriptCall:
    """Wraps an answer into a call of the page's function (JSONP).

    The status is always 200, since a script tag cannot read any other. The comment before the call keeps
    a callback's name from being the first bytes, which could pass for a file of another format.
    """

    def __init__(self, callback: str) -> None:
        self._callback = callback.encode()

    def __call__(self, status: int, body: bytes, head: bytes) -> tuple[int, bytes, bytes]:
        # U+2028 and U+2029: JavaScript before 2019 reads them as line ends, which no string may contain.
        safe = body.replace(b"\xe2\x80\xa8", b"\\u2028").replace(b"\xe2\x80\xa9", b"\\u2029")
        return 200, b"/**/%b(%b);" % (self._callback, safe), SCRIPT
