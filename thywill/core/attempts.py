"""A limit on wrong keys: after a few, an address has to wait."""

from __future__ import annotations

from thywill.core.address import normalize, share_of
from thywill.core.recent import Recent
from thywill.errors import TooMany

WRONG = 5
"""How many wrong keys an address may send in ``SECONDS``; more are refused until these have passed."""
WRONG_FORWARDED = 50
"""The same limit for all addresses from X-Forwarded-For headers together."""
SECONDS = 60.0
ADDRESSES = 10_000
FORWARDED = "X-Forwarded-For"


class Attempts:
    """Counts the wrong keys of the last minute by address.

    IPv6 addresses count by their /64 network, since one customer has 2**64 of them.

    A sender in a network of trusted proxies can name any address in X-Forwarded-For, so all forwarded
    addresses together have a second limit. It does not apply to an address that has sent the right key
    before, so that an attack from elsewhere does not lock an operator out.
    """

    def __init__(self) -> None:
        self._wrong: Recent[str, tuple[int, float]] = Recent(ADDRESSES)
        self._right: Recent[str, bool] = Recent(ADDRESSES)

    def check(self, address: str, now: float, *, forwarded: bool = False) -> None:
        """Refuse an address that has sent too many wrong keys.

        Args:
            address: the address of the browser.
            now: seconds of a monotonic clock.
            forwarded: whether the address comes from an X-Forwarded-For header.

        Raises:
            TooMany: the address has sent too many wrong keys.
        """
        share = _share(address)
        self._check(share, WRONG, now, "too many wrong keys from this address: wait")
        if forwarded and not self._right.get(share, default=False):
            self._check(FORWARDED, WRONG_FORWARDED, now, "too many wrong keys through proxies: wait")

    def failed(self, address: str, now: float, *, forwarded: bool = False) -> None:
        """Count a wrong key from ``address``."""
        self._count(_share(address), now)
        if forwarded:
            self._count(FORWARDED, now)

    def succeeded(self, address: str) -> None:
        """Remember that ``address`` has sent the right key."""
        self._right.put(_share(address), value=True)

    def _check(self, share: str, limit: int, now: float, reason: str) -> None:
        count, ends = self._wrong.get(share, (0, now))
        if count >= limit and now < ends:
            raise TooMany(reason, retry=ends - now)

    def _count(self, share: str, now: float) -> None:
        count, ends = self._wrong.get(share, (0, now))
        self._wrong.put(share, (count + 1, ends) if now < ends else (1, now + SECONDS))


def _share(address: str) -> str:
    return share_of(normalize(address) or address)
