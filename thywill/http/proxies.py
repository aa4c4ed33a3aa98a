"""The browser's address and scheme behind a proxy: X-Forwarded-For and -Proto, if the proxy is trusted."""

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
from thywill.http.request import FORWARDED, Request

log = logging.getLogger(__name__)

FOR, PROTO = FORWARDED
SCHEMES = (b"http", b"https")
BROWSERS = 20_000
"""How many addresses are cached with the answer whether they are trusted, and how many values of
X-Forwarded-For with the browser's address."""
UNIX = "unix:"
"""The address of a proxy that connects through a Unix socket; it may be trusted like any other."""
LONGEST_REMEMBERED = 200
"""Bytes of the longest X-Forwarded-For that is cached: a browser may write as much into it as it likes."""
SHOWN = 60
"""Characters of an X-Forwarded-For that are logged."""
PARTS_OF_IPV4 = 2
"""The parts of a socket's IPv4 address: host and port. An IPv6 address has four."""
MAPPED = 96
"""Bits before an IPv4 address inside an IPv6 one."""
NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
WARN_EVERY = 60.0
"""Seconds between two warnings about proxies: every browser can cause one."""

NO_ADDRESS = (
    "the proxy %s sends X-Forwarded-For with %r, which is no address, so the proxy counts as the browser:"
    " let it send the address that it sees (nginx: $proxy_add_x_forwarded_for)"
)
NAMES_PROXY = (
    "the proxy %s names %s as the browser, which is a trusted proxy, too: if it is one, let it send"
    " X-Forwarded-For; if browsers have such addresses, name fewer in trusted_proxies in [server]"
)
LOOK_UP_AGAIN = "; if its host name is listed there, send SIGHUP: then the server looks up the names again"

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


Resolve = Callable[[str], Iterable[str]]
"""Returns the addresses of a host."""


def peer_of(peername: object) -> str:
    """Return the address of a connection's other end, from its socket's ``peername``."""
    if not isinstance(peername, tuple) or not peername:
        return UNIX
    address = str(peername[0])
    # The system writes IPv4 addresses in their one spelling, and ``normalize`` takes 6 µs.
    return address if len(peername) == PARTS_OF_IPV4 else normalize(address) or address


def is_unix(transport: asyncio.BaseTransport) -> bool:
    """Return whether ``transport`` belongs to a Unix socket.

    A TCP connection that was reset before it was accepted may have no address either, and its requests must
    not pass for those of a proxy that connects through a Unix socket.
    """
    sock = transport.get_extra_info("socket")
    return sock is not None and sock.family == socket.AF_UNIX


def look_up(name: str) -> list[str]:
    """Return the addresses of the host ``name``.

    Raises:
        OSError: the name has no address.
    """
    return [str(found[4][0]) for found in socket.getaddrinfo(name, None, type=socket.SOCK_STREAM)]


class TrustedProxies:
    """The proxies whose headers are believed.

    Args:
        trusted: addresses, networks such as ``10.0.0.0/8``, host names, or ``unix:`` for every program that
            connects through a Unix socket. Host names are looked up once, now.
        scheme: the scheme of browsers whose PROXY header does not tell it; empty if the proxies send no PROXY
            headers.
        clock: seconds of a monotonic clock.
        resolve: looks up host names.

    Raises:
        SettingsError: an entry of ``trusted`` is none of these, or a host name has no address.
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
        self._browsers: Recent[bytes, str] = Recent(BROWSERS)
        self._clock = clock
        self._next_untrusted = self._next_of_trusted = clock()

    def trusts(self, address: str) -> bool:
        """Return whether ``address`` is one of the trusted proxies."""
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
        """Believe the X-Forwarded-* headers of ``request`` if it came from a trusted proxy."""
        if trusted:
            self.resolve(request)
        else:
            self.warn_untrusted(request)

    def resolve(self, request: Request) -> str | None:
        """Set the browser's address and scheme in a request that came from a trusted proxy.

        Returns:
            the browser's address that X-Forwarded-For names. It is empty if there is no such header, and None
            if something that is no address stands there; then the proxy that wrote it counts as the browser.
        """
        # If a header is repeated, the last one counts: some proxies add their own to the browser's.
        forwarded, scheme = [], b""
        for name, value in request.headers:
            if len(name) == len(FOR) and name.lower() == FOR:
                forwarded.append(value)
            elif len(name) == len(PROTO) and name.lower() == PROTO:
                scheme = value.rpartition(b",")[2].strip().lower()
        if scheme in SCHEMES:
            request.scheme = scheme.decode()
        return self._read_addresses(request, b",".join(forwarded)) if forwarded else ""

    def warn_untrusted(self, request: Request) -> None:
        """Log, at most once a minute, that a sender without trust uses X-Forwarded-For."""
        now = self._clock()
        if now < self._next_untrusted or request.header(FOR) is None:
            return
        self._next_untrusted = now + WARN_EVERY
        log.warning(
            "%s sends X-Forwarded-For but is not trusted, so it counts as the browser: if it is your proxy,"
            " add it to trusted_proxies in [server]%s",
            request.peer,
            LOOK_UP_AGAIN if self._has_names else "",
        )

    def warn_unreadable_header(self, peer: str, reason: str) -> None:
        """Log, at most once a minute, that the proxy ``peer`` sends a PROXY header that cannot be read."""
        self._warn_of_trusted("the proxy %s sends a PROXY header that cannot be read: %s", peer, reason)

    def _warn_of_trusted(self, text: str, *parts: object) -> None:
        """Log, at most once a minute, that something is wrong with what a trusted proxy sends."""
        now = self._clock()
        if now >= self._next_of_trusted:
            self._next_of_trusted = now + WARN_EVERY
            log.warning(text, *parts)

    def _read_addresses(self, request: Request, forwarded: bytes) -> str | None:
        peer, unread = request.peer, None
        # Cached: a browser's header repeats, and parsing an address takes longer than everything else here.
        browser = self._browsers.get(forwarded, "")
        if not browser:
            browser, unread = self._last_believed(forwarded.decode("latin-1"), peer)
        request.peer = browser
        if unread is not None:
            self._warn_of_trusted(NO_ADDRESS, browser, unread[:SHOWN])
            return None
        if len(forwarded) <= LONGEST_REMEMBERED:
            self._browsers.put(forwarded, browser)
        # A browser may run on the machine of the proxy itself.
        if browser != peer and self.trusts(browser) and not ipaddress.ip_address(browser).is_loopback:
            self._warn_of_trusted(NAMES_PROXY, peer, browser)
        return browser

    def _last_believed(self, forwarded: str, peer: str) -> tuple[str, str | None]:
        """Return the browser's address, and the part that is no address if one ended the search."""
        # From the right: each proxy appends the address that it saw. So the first address that is not a
        # trusted proxy's was written by a trusted proxy, and everything left of it may be invented.
        for part in reversed(forwarded.split(",")):
            address = normalize(part)
            if address is None:
                return peer, part.strip()
            peer = address
            if not self.trusts(address):
                break
        return peer, None


def _networks(text: str, resolve: Resolve) -> list[Network]:
    """Return the networks that an entry of ``trusted_proxies`` stands for."""
    try:
        return [_unmapped(ipaddress.ip_network(text, strict=False))]
    except ValueError:
        pass
    if not NAME.fullmatch(text):
        raise SettingsError(
            f"[server] trusted_proxies: {text!r} is no address, no network such as 10.0.0.0/8"
            " and no host name"
        )
    try:
        found = {normalize(address) for address in resolve(text)}
    except (OSError, UnicodeError):
        found = set()
    addresses = sorted(address for address in found if address is not None)
    if not addresses:
        raise SettingsError(f"[server] trusted_proxies: no address can be found for the host name {text!r}")
    return [ipaddress.ip_network(address) for address in addresses]


def _unmapped(network: Network) -> Network:
    """Return the IPv4 network that an IPv6 one such as ``::ffff:10.0.0.0/104`` holds, or ``network``."""
    mapped = network.network_address.ipv4_mapped if isinstance(network, ipaddress.IPv6Network) else None
    if mapped is None or network.prefixlen < MAPPED:
        return network
    return ipaddress.IPv4Network((mapped, network.prefixlen - MAPPED))
