"""Who the browser is when a proxy stands before the server: X-Forwarded-For and -Proto, believed from few."""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Callable, Iterable

from thywill.core.recent import Recent
from thywill.errors import SettingsError
from thywill.http.message import FORWARDED, Request

log = logging.getLogger(__name__)

FOR, PROTO = FORWARDED
SCHEMES = (b"http", b"https")
BROWSERS = 20_000
"""How many addresses, and browsers' headers, are remembered with what they came to."""
DOUBTS_EVERY = 60.0
"""Seconds between two lines about proxies that are not trusted: every browser can cause one."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TrustedProxies:
    """The proxies whose headers are believed.

    Args:
        networks: addresses or networks, such as ``127.0.0.1`` or ``10.0.0.0/8``.
        clock: seconds that only grow.

    Raises:
        SettingsError: one of them is neither.
    """

    def __init__(self, networks: Iterable[str], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._networks = [_network(text) for text in networks]
        self._known: Recent[str, bool | None] = Recent(BROWSERS)
        self._browsers: Recent[tuple[bytes, str], str] = Recent(BROWSERS)
        self._clock = clock
        self._next_doubt = clock()

    def trusts(self, address: str) -> bool:
        """Tell whether ``address`` is one of the proxies."""
        trusted = self._known.get(address, None)
        if trusted is None:
            trusted = self._is_listed(address)
            self._known.put(address, trusted)
        return trusted

    def _is_listed(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)

    def resolve(self, request: Request) -> None:
        """Set the browser's address and scheme of a request that came from a trusted proxy."""
        # Of several headers too the last counts: some proxies add one of their own to what a browser sent.
        forwarded = scheme = b""
        for name, value in request.headers:
            if len(name) == len(FOR) and name.lower() == FOR:
                forwarded += b"," + value
            elif len(name) == len(PROTO) and name.lower() == PROTO:
                scheme = value.rpartition(b",")[2].strip().lower()
        if forwarded:
            request.peer = self._browser(forwarded, request.peer)
        if scheme in SCHEMES:
            request.scheme = scheme.decode()

    def doubt(self, request: Request) -> None:
        """Log now and then that whoever is not trusted names a browser that it asks for."""
        for name, _ in request.headers:
            if len(name) == len(FOR) and name.lower() == FOR:
                self._tell_doubt(request.peer)
                return

    def _tell_doubt(self, peer: str) -> None:
        now = self._clock()
        if now < self._next_doubt:
            return
        self._next_doubt = now + DOUBTS_EVERY
        log.warning(
            "%s sends X-Forwarded-For, is not trusted and counts as the browser: if it is your proxy,"
            " add it to trusted_proxies in [server]",
            peer,
        )

    def _browser(self, forwarded: bytes, peer: str) -> str:
        # Each browser says the same again and again, and to read an address takes longer than all the rest.
        known = (forwarded, peer)
        browser = self._browsers.get(known, "")
        if not browser:
            browser = self._last_believed(forwarded.decode("latin-1"), peer)
            self._browsers.put(known, browser)
        return browser

    def _last_believed(self, forwarded: str, peer: str) -> str:
        # From the right: each proxy adds the address that it saw, so the first one that is not ours is
        # the last that can be believed.
        for part in reversed(forwarded.split(",")):
            address = part.strip()
            if not _is_address(address):
                return peer
            peer = address
            if not self.trusts(address):
                return address
        return peer


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise SettingsError(
            f"[server] trusted_proxies: {text!r} is neither an address nor a network such as 10.0.0.0/8"
        ) from None


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
