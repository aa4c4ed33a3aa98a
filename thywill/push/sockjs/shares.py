"""How many SockJS sessions there may be, and how many of them one address may have. Pure.

Anyone can begin a session; until its first message shows a token nobody knows whose it is. So sessions are
counted twice: all of them, and those that have shown no token, which need only a moment and get little room.
"""

from __future__ import annotations

from collections import Counter

from thywill.config import LimitsSettings
from thywill.errors import TooMany

RETRY = 10.0
"""Seconds after which a browser that was refused may come back: sessions without a token are gone by then."""


class SessionShares:
    """Counts the sessions of each address.

    Args:
        limits: how many there may be.
        limited: counts what is refused, by the name of the setting.
    """

    def __init__(self, limits: LimitsSettings, limited: Counter[str]) -> None:
        self._limits = limits
        self._limited = limited
        self._all: Counter[str] = Counter()
        self._anonymous: Counter[str] = Counter()
        self._all_total = self._anonymous_total = 0

    def begin(self, share: str) -> None:
        """Count a new session, which has shown no token.

        Args:
            share: whose share it counts to: see ``thywill.core.address.share_of``.

        Raises:
            TooMany: there are as many as there may be.
        """
        limits = self._limits
        if self._all_total >= limits.sockjs_sessions:
            self._refuse("sockjs_sessions", "the server has as many sessions as it may have")
        if self._all[share] >= limits.sockjs_sessions_per_address:
            self._refuse("sockjs_sessions_per_address", "this address has as many sessions as it may have")
        if self._anonymous_total >= limits.sockjs_anonymous:
            self._refuse("sockjs_anonymous", "too many sessions on the server have shown no token")
        if self._anonymous[share] >= limits.sockjs_anonymous_per_address:
            self._refuse(
                "sockjs_anonymous_per_address", "too many sessions of this address have shown no token"
            )
        self._all_total += 1
        self._anonymous_total += 1
        self._all[share] += 1
        self._anonymous[share] += 1

    def show_token(self, share: str) -> None:
        """One of the sessions has shown a token."""
        self._anonymous_total -= 1
        _decrease(self._anonymous, share)

    def end(self, share: str, *, anonymous: bool) -> None:
        """One of the sessions is forgotten; ``anonymous`` if it has never shown a token."""
        self._all_total -= 1
        _decrease(self._all, share)
        if anonymous:
            self.show_token(share)

    def _refuse(self, setting: str, reason: str) -> None:
        self._limited[setting] += 1
        raise TooMany(reason, retry=RETRY)


def _decrease(counts: Counter[str], share: str) -> None:
    counts[share] -= 1
    if not counts[share]:
        del counts[share]  # an address that has gone leaves nothing behind
