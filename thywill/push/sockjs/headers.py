"""The header lines that our endpoints and the pages of sockjs-tornado both send."""

from __future__ import annotations

import re

from thywill.wire.origins import Origins

JAVASCRIPT = "application/javascript; charset=UTF-8"
TEXT = "text/plain; charset=UTF-8"
NOT_CACHED = "no-store, no-cache, no-transform, must-revalidate, max-age=0"
STICKY = re.compile(r"(?:^|; ?)JSESSIONID=([\w.~!:+/=-]{1,128})(?=;|$)", re.ASCII)


def head(content_type: str) -> bytes:
    """Return the header lines of an answer that no cache may store and no proxy may buffer."""
    lines = (
        f"Content-Type: {content_type}",
        f"Cache-Control: {NOT_CACHED}",
        "X-Accel-Buffering: no",
        "X-Content-Type-Options: nosniff",
    )
    return "".join(f"{line}\r\n" for line in lines).encode()


def sticky_cookie(cookies: str) -> str:
    """Return the cookie by which some load balancers choose a server: the browser's own, or a new one.

    Args:
        cookies: the request's Cookie header, or an empty text.
    """
    known = STICKY.search(cookies)
    return f"JSESSIONID={known[1] if known else 'dummy'}; Path=/"


def frame_policy(origins: Origins) -> str:
    """Return the Content-Security-Policy of a page that only allowed origins may show in a frame."""
    return " ".join(["frame-ancestors", "'self'", *origins.allowed()])
