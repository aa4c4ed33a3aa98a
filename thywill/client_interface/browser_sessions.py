"""The session cookie: recognizes a browser across its pages."""

from __future__ import annotations

import time
from collections.abc import Callable

from thywill.core.signing import Signer
from thywill.errors import BadToken
from thywill.hub.ids import IdGenerator

COOKIE = "thywill_session"
PURPOSE = "session"


class BrowserSessions:
    """Reads and makes session cookies.

    Args:
        signer: signs the cookies, so that nobody can forge the cookie of another browser.
        days: for how many days a cookie is valid.
        wall: the clock, in seconds since the epoch.
    """

    def __init__(self, signer: Signer, days: float, wall: Callable[[], float] = time.time) -> None:
        self._signer = signer
        self._ids = IdGenerator()
        self._seconds = days * 24 * 3600
        self._wall = wall

    def read(self, header: bytes | None, *, secure: bool) -> str | None:
        """Return the id of the session in a Cookie header, or None if there is no valid one.

        Args:
            header: the header.
            secure: whether the browser uses https.
        """
        for part in (header or b"").decode("latin-1").split(";"):
            name, _, value = part.strip().partition("=")
            if name == _cookie(secure=secure):
                try:
                    return self._signer.verify(PURPOSE, value, self._wall())
                except BadToken:
                    continue
        return None

    def create(self) -> str:
        """Return the id of a new session."""
        return self._ids.next()

    def cookie(self, session: str, *, secure: bool) -> str:
        """Return the value of the Set-Cookie header for ``session``; ``secure``: the browser uses https."""
        value = self._signer.sign(PURPOSE, session, self._wall() + self._seconds)
        attributes = f"Path=/; Max-Age={int(self._seconds)}; HttpOnly; SameSite=Lax"
        return f"{_cookie(secure=secure)}={value}; {attributes}{'; Secure' if secure else ''}"


def _cookie(*, secure: bool) -> str:
    # A browser accepts a cookie with this prefix only from this very host over https (RFC 6265bis, 4.1.3.2).
    # So a page of another host in the same domain cannot set it.
    return f"__Host-{COOKIE}" if secure else COOKIE
