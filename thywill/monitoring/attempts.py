"""A limit on wrong keys."""

from __future__ import annotations

import ipaddress

from thywill.core.recent import Recent
from thywill.errors import TooMany

WRONG = 5
"""How many wrong keys an address may send in ``SECONDS``; more are refused until these have passed."""
SECONDS = 60.0
ADDRESSES = 10_000


class Attempts:
    """Counts the wrong keys of the last minute by address.

    IPv6 addresses count by their /64 network, since one customer has 2**64 of them.
    """

    def __init__(self) -> None:
        self._wrong: Recent[str, tuple[int, float]] = Recent(ADDRESSES)

    def check(self, address: str, now: float) -> None:
        """Refuse an address that has sent too many wrong keys.

        Args:
            address: the address of the browser.
            now: the time by a monotonic clock, in seconds.

        Raises:
            TooMany: it has sent too many.
        """
        count, ends = self._wrong.get(_network(address), (0, now))
        if count >= WRONG and now < ends:
            raise TooMany("too many wrong keys from this address: wait", retry=ends - now)

    def failed(self, address: str, now: float) -> None:
        """Count a wrong key of ``address``."""
        network = _network(address)
        count, ends = self._wrong.get(network, (0, now))
        self._wrong.put(network, (count + 1, ends) if now < ends else (1, now + SECONDS))


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    prefix = 32 if parsed.version == 4 else 64
    return str(ipaddress.ip_network((parsed, prefix), strict=False))
