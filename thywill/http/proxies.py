"""Who the browser is when a proxy stands before the server: X-Forwarded-For and -Proto, believed from few."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from thywill.errors import SettingsError
from thywill.http.message import Request

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class TrustedProxies:
    """The proxies whose headers are believed.

    Args:
        networks: addresses or networks, such as ``127.0.0.1`` or ``10.0.0.0/8``.

    Raises:
        SettingsError: one of them is neither.
    """

    def __init__(self, networks: Iterable[str]) -> None:
        self._networks = [_network(text) for text in networks]

    def trusts(self, address: str) -> bool:
        """Tell whether ``address`` is one of the proxies."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._networks)

    def resolve(self, request: Request) -> None:
        """Set the browser's address and scheme of a request that came from a trusted proxy."""
        # Of several headers too the last counts: some proxies add one of their own to what a browser sent.
        forwarded = request.combined(b"x-forwarded-for")
        request.peer = self._browser(forwarded.decode("latin-1"), request.peer)
        scheme = request.combined(b"x-forwarded-proto").rpartition(b",")[2].strip().lower()
        if scheme in (b"http", b"https"):
            request.scheme = scheme.decode()

    def _browser(self, forwarded: str, peer: str) -> str:
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
