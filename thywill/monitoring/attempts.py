"""How often somebody may be wrong."""

from __future__ import annotations

import ipaddress

from thywill.core.recent import Recent
from thywill.errors import TooMany

WRONG = 5
"""Wrong keys of one address within ``SECONDS``; then none of it is looked at until they have passed."""
SECONDS = 60.0
ADDRESSES = 10_000


class Attempts:
    """The wrong keys of the last minute, by address; of IPv6 by network: one customer has 2**64 of them."""

    def __init__(self) -> None:
        self._wrong: Recent[str, tuple[int, float]] = Recent(ADDRESSES)

    def check(self, address: str, now: float) -> None:
        """Let ``address`` try.

        Raises:
            TooMany: it was wrong too often.
        """
        count, ends = self._wrong.get(_network(address), (0, now))
        if count >= WRONG and now < ends:
            raise TooMany("too many wrong keys from this address: wait", retry=ends - now)

    def failed(self, address: str, now: float) -> None:
        """``address`` has shown a wrong key."""
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
