"""The pages of a SockJS service: greeting, info, iframe, preflights, and the answer 404.

Each page is a handler of sockjs-tornado, with its faults corrected by a mixin (``OwnPage``).
"""

from __future__ import annotations

import hashlib
import html
import logging
import secrets
from typing import Any, Protocol

from tornado.httputil import format_timestamp
from tornado.web import HTTPError

from thywill.core.envelope import encode_object
from thywill.errors import NotFound, RequestError
from thywill.http.message import Refusal
from thywill.push.sockjs.headers import NOT_CACHED, frame_policy, sticky_cookie
from thywill.push.sockjs.library import (
    CACHE_TIME,
    GreetingsHandler,
    IFrameHandler,
    InfoHandler,
    PreflightHandler,
)
from thywill.wire.handlers import refuse
from thywill.wire.origins import Origins, origin_of
from thywill.wire.refusals import PATH_SHOWN

log = logging.getLogger(__name__)

IFRAME = """<!DOCTYPE html>
<html>
<head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
  <script src="%s"></script>
  <script>
    document.domain = document.domain;
    SockJS.bootstrap_iframe();
  </script>
</head>
<body>
  <h2>Don't panic!</h2>
  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>
</body>
</html>"""


class PageServer(Protocol):
    """The part of a SockJS service that its pages use."""

    settings: dict[str, Any]
    origins: Origins
    websockets_enabled: bool

    def wall(self) -> float:
        """Return the wall clock's seconds since the epoch."""
        ...


def check_page(origins: Origins, origin: str | None, referer: str, host: bytes) -> bool:
    """Return whether the asking page is of another origin, as its browser says.

    Script tags and frames send a Referer and no Origin. A Referer that holds no origin (``about:blank``) is
    not one of our own pages.

    Args:
        origins: which pages may use the service.
        origin: the request's Origin header.
        referer: its Referer header, or an empty text.
        host: its Host header.

    Raises:
        BadOrigin: the page is of another origin, which is not allowed.
    """
    if origin is None:
        origin = origin_of(referer) or None
    return origin is not None and origins.check(origin, host)


class OwnPage:
    """Mixed into every handler: checks the asking page, sets headers, answers errors without a traceback.

    A page of another origin is answered only if the settings allow its origin. Only an allowed Origin is
    sent back.
    """

    server: PageServer
    request: Any
    access_methods = "OPTIONS, POST"

    def set_default_headers(self: Any) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")

    def compute_etag(self) -> None:
        return None

    def prepare(self: Any) -> None:
        super().prepare()  # type: ignore[misc]
        try:
            self.admit()
        except RequestError as error:
            self.refuse(error)

    def admit(self) -> None:
        """Check the asking page, and set ``is_foreign``: whether it is of another origin.

        Raises:
            BadOrigin: the page is of another origin, which is not allowed.
        """
        headers = self.request.headers
        host = headers.get("Host", "").encode("latin-1")
        origin, referer = headers.get("Origin"), headers.get("Referer", "")
        self.is_foreign = check_page(self.server.origins, origin, referer, host)

    def preflight(self: Any) -> None:
        """Let a page of another origin, which ``admit`` has checked, read the answer."""
        headers = self.request.headers
        if not self.is_foreign or "Origin" not in headers:
            return
        self.set_header("Access-Control-Allow-Origin", headers["Origin"])
        self.set_header("Access-Control-Allow-Credentials", "true")
        self.set_header("Vary", "Origin")
        asked = headers.get("Access-Control-Request-Headers")
        if asked:
            self.set_header("Access-Control-Allow-Headers", asked)

    def enable_cache(self: Any) -> None:
        """Let the browser keep the answer for a year."""
        self.set_header("Cache-Control", f"max-age={CACHE_TIME}, public")
        self.set_header("Expires", format_timestamp(self.server.wall() + CACHE_TIME))
        self.set_header("Access-Control-Max-Age", str(CACHE_TIME))

    def disable_cache(self: Any) -> None:
        """Forbid caches to store the answer and proxies to buffer it."""
        self.set_header("Cache-Control", NOT_CACHED)
        self.set_header("X-Accel-Buffering", "no")

    def handle_session_cookie(self: Any) -> None:
        """Set the cookie for load balancers if the settings ask for it."""
        if self.server.settings["jsessionid"]:
            self.set_header("Set-Cookie", sticky_cookie(self.request.headers.get("Cookie", "")))

    def refuse(self: Any, error: RequestError) -> None:
        """Answer with ``error`` in the form that all errors on the wire have."""
        log.warning(
            "%r from %s refused: %d %s",
            self.request.path[:PATH_SHOWN],
            self.request.remote_ip,
            error.status,
            error.code,
        )
        refuse(self, error)

    def write_error(self: Any, status_code: int, **kwargs: Any) -> None:
        allowed = f"Allow: {self.access_methods}\r\n".encode() if status_code == 405 else b""
        refuse(self, Refusal(status_code, self._reason, allowed))


class NothingHere(OwnPage, PreflightHandler):  # type: ignore[misc]
    """Answers 404 at every path that the protocol does not have, and at those of WebSocket."""

    def admit(self) -> None:
        raise NotFound("there is nothing here")


class AroundPost(OwnPage, PreflightHandler):  # type: ignore[misc]
    """Answers the other methods at a path whose POST goes to one of our endpoints."""


class AroundGet(AroundPost):
    """Answers the other methods at a path whose GET goes to one of our endpoints."""

    access_methods = "GET"


class GreetingPage(OwnPage, GreetingsHandler):  # type: ignore[misc]
    """The greeting at the base path."""

    access_methods = "GET"


class InfoPage(OwnPage, InfoHandler):  # type: ignore[misc]
    """A stock client asks for this first: it learns what the service can do and measures a round trip."""

    def get(self) -> None:
        self.preflight()
        self.disable_cache()
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.finish(
            encode_object(
                {
                    "websocket": self.server.websockets_enabled,
                    "cookie_needed": self.server.settings["jsessionid"],
                    "origins": ["*:*"],  # a constant of the protocol; clients ignore it
                    "entropy": secrets.randbits(32),
                }
            )
        )


class FramePage(OwnPage, IFrameHandler):  # type: ignore[misc]
    """A page of another origin loads this one into a hidden frame, and reaches the server through it.

    It exists only where the settings allow other origins, and only their pages may show it in a frame.
    """

    access_methods = "GET"

    def get(self) -> None:
        if not self.server.origins.any():
            raise HTTPError(404)
        page = (IFRAME % html.escape(self.server.settings["sockjs_url"])).encode()
        policy = frame_policy(self.server.origins)
        self.set_header("Etag", f'"{hashlib.sha256(page + policy.encode()).hexdigest()[:32]}"')
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        if self.server.settings["frame_changes"]:
            # The page depends on the settings and its path has no version, so the browser has to ask.
            self.set_header("Cache-Control", "no-cache")
        else:
            self.enable_cache()
        self.set_header("Content-Security-Policy", policy)
        # A page that isolates itself (COEP require-corp) may show only frames that do the same. The value
        # `require-corp` would forbid this page's script, which may come from a server that sends no CORP.
        self.set_header("Cross-Origin-Embedder-Policy", "credentialless")
        self.set_header("Cross-Origin-Resource-Policy", "cross-origin")
        if self.check_etag_header():
            self.set_status(304)
            self.finish()
        else:
            self.finish(page)
