"""How many SockJS sessions there may be, and how many of them one address may have. Pure.

Anyone can begin a session, and it belongs to no client until its first message shows a token. So there are
two limits: one for all sessions, and a low one for sessions without a token, of which a page has one for a
moment only.
"""

from __future__ import annotations

from collections import Counter

from thywill.config import LimitsSettings
from thywill.errors import TooMany

RETRY = 10.0
"""Seconds after which a refused browser may come back; until then sessions without a token have ended."""


class SessionShares:
    """Counts the sessions of each address.

    Args:
        limits: how many sessions there may be.
        limited: counts refusals by the name of the setting.
    """

    def __init__(self, limits: LimitsSettings, limited: Counter[str]) -> None:
        self._limits = limits
        self._limited = limited
        self._all: Counter[str] = Counter()
        self._anonymous: Counter[str] = Counter()
        self._all_total = self._anonymous_total = 0

    def begin(self, share: str) -> None:
        """Count a new session; it has shown no token yet.

        Args:
            share: the address to which it counts: see ``thywill.core.address.share_of``.

        Raises:
            TooMany: a limit of sessions is reached.
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
        """A session of ``share`` has shown a token."""
        self._anonymous_total -= 1
        _decrease(self._anonymous, share)

    def end(self, share: str, *, anonymous: bool) -> None:
        """A session of ``share`` is forgotten; ``anonymous`` if it has never shown a token."""
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
