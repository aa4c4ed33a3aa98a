"""Who the browser is when a proxy stands before the server: X-Forwarded-For and -Proto, believed from few."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import socket
import time
from collections.abc import Callable, Iterable

from thywill.core.address import normalize
from thywill.core.recent import Recent
from thywill.errors import SettingsError
from thywill.http.message import FORWARDED, Request

log = logging.getLogger(__name__)

FOR, PROTO = FORWARDED
SCHEMES = (b"http", b"https")
BROWSERS = 20_000
"""How many addresses, and browsers' headers, are remembered with what they came to."""
UNIX = "unix:"
"""What stands for an address where a proxy comes through a Unix socket; it may be trusted like any other."""
LONGEST_REMEMBERED = 200
"""Bytes of an X-Forwarded-For that is remembered: the browser may have written most of it."""
SHOWN = 60
"""Characters of an X-Forwarded-For that are logged."""
MAPPED = 96
"""Bits before an IPv4 address inside an IPv6 one."""
NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
DOUBTS_EVERY = 60.0
"""Seconds between two lines about proxies that are not trusted: every browser can cause one."""

RENAMED = "; if its name is there, send SIGHUP, which has the addresses of names looked up again"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


Resolve = Callable[[str], Iterable[str]]
"""Returns the addresses of a host."""


def peer_of(peername: object) -> str:
    """Return the address of whoever opened a connection, from what its socket says."""
    if isinstance(peername, tuple) and peername:
        return normalize(str(peername[0])) or str(peername[0])
    return UNIX


def is_unix(transport: asyncio.BaseTransport) -> bool:
    """Tell whether ``transport`` came through a Unix socket.

    A TCP connection that was reset before it was accepted may have no address either. Nobody is at its other
    end, and what it asked must not be taken for the words of a proxy behind a Unix socket.
    """
    sock = transport.get_extra_info("socket")
    return sock is not None and sock.family == socket.AF_UNIX


def look_up(name: str) -> list[str]:
    """Return the addresses of the host ``name``.

    Raises:
        OSError: the name has none.
    """
    return [str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]


class TrustedProxies:
    """The proxies whose headers are believed.

    Args:
        trusted: addresses, networks such as ``10.0.0.0/8``, names of hosts, which are looked up now and not
            again, or ``unix:`` for whoever comes through a Unix socket.
        scheme: what the browsers use whose connections the proxies begin with a header of the PROXY protocol;
            empty where they send none.
        clock: seconds that only grow.
        resolve: looks names up.

    Raises:
        SettingsError: one of them is none of these.
    """

    def __init__(
        self,
        trusted: Iterable[str],
        *,
        scheme: str = "",
        clock: Callable[[], float] = time.monotonic,
        resolve: Resolve = look_up,
    ) -> None:
        texts = list(trusted)
        self.scheme = scheme
        self._networks = [network for text in texts if text != UNIX for network in _networks(text, resolve)]
        self._known: Recent[str, bool | None] = Recent(BROWSERS)
        self._trusts_unix = UNIX in texts
        self._has_names = any(NAME.fullmatch(text) for text in texts)
        self._browsers: Recent[tuple[bytes, str], str] = Recent(BROWSERS)
        self._clock = clock
        self._next_doubt = self._next_unread = clock()

    def trusts(self, address: str) -> bool:
        """Tell whether ``address`` is one of the proxies."""
        trusted = self._known.get(address, None)
        if trusted is None:
            trusted = self._is_listed(address)
            self._known.put(address, trusted)
        return trusted

    def _is_listed(self, address: str) -> bool:
        if address == UNIX:
            return self._trusts_unix
        try:
            parsed = ipaddress.ip_address(normalize(address) or "")
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)

    def read(self, request: Request, *, trusted: bool) -> None:
        """Believe what the headers of ``request`` say if it came from a trusted proxy."""
        if trusted:
            self.resolve(request)
        else:
            self.doubt(request)

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
        if request.header(FOR) is not None:
            self._tell_doubt(request.peer)

    def _tell_doubt(self, peer: str) -> None:
        now = self._clock()
        if now < self._next_doubt:
            return
        self._next_doubt = now + DOUBTS_EVERY
        log.warning(
            "%s sends X-Forwarded-For, is not trusted and counts as the browser: if it is your proxy,"
            " add it to trusted_proxies in [server]%s",
            peer,
            RENAMED if self._has_names else "",
        )

    def tell_unread_header(self, peer: str, reason: str) -> None:
        """Log now and then that the proxy ``peer`` begins a connection with a header that cannot be read."""
        now = self._clock()
        if now >= self._next_unread:
            self._next_unread = now + DOUBTS_EVERY
            log.warning(
                "the proxy %s begins a connection with a PROXY header that cannot be read: %s", peer, reason
            )

    def _browser(self, forwarded: bytes, peer: str) -> str:
        # Each browser says the same again and again, and to read an address takes longer than all the rest.
        known = (forwarded, peer)
        browser = self._browsers.get(known, "")
        if not browser:
            browser, unread = self._last_believed(forwarded.decode("latin-1"), peer)
            if unread is not None:
                self._tell_unread(unread, browser)
            elif len(forwarded) <= LONGEST_REMEMBERED:
                self._browsers.put(known, browser)
        return browser

    def _last_believed(self, forwarded: str, peer: str) -> tuple[str, str | None]:
        """Return the browser's address, and what stands in place of an address if that ended the search."""
        # From the right: each proxy adds the address that it saw, so the first one that is not ours is
        # the last that can be believed.
        for part in reversed(forwarded.split(",")):
            address = normalize(part)
            if address is None:
                return peer, part.strip()
            peer = address
            if not self.trusts(address):
                break
        return peer, None

    def _tell_unread(self, part: str, peer: str) -> None:
        now = self._clock()
        if now < self._next_unread:
            return
        self._next_unread = now + DOUBTS_EVERY
        log.warning(
            "the proxy %s names in X-Forwarded-For no address but %r, and counts as the browser itself:"
            " let it send the address that it sees (nginx: $proxy_add_x_forwarded_for)",
            peer,
            part[:SHOWN],
        )


def _networks(text: str, resolve: Resolve) -> list[Network]:
    """Return the networks that an entry of ``trusted_proxies`` stands for."""
    try:
        return [_unmapped(ipaddress.ip_network(text, strict=False))]
    except ValueError:
        pass
    if not NAME.fullmatch(text):
        raise SettingsError(
            f"[server] trusted_proxies: {text!r} is no address, no network such as 10.0.0.0/8"
            " and no name of a host"
        )
    try:
        found = {normalize(address) for address in resolve(text)}
    except (OSError, UnicodeError):
        found = set()
    addresses = sorted(address for address in found if address is not None)
    if not addresses:
        raise SettingsError(f"[server] trusted_proxies: no address of {text!r} can be found")
    return [ipaddress.ip_network(address) for address in addresses]


def _unmapped(network: Network) -> Network:
    """Return the IPv4 network that an IPv6 one such as ``::ffff:10.0.0.0/104`` holds, or ``network``."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is None or network.prefixlen < MAPPED:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - MAPPED))
