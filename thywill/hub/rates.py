"""Limits how fast one client may send and poll, with token buckets (``thywill.core.bucket``)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from thywill.core.bucket import TokenBucket
from thywill.errors import TooMany

REASONS = {
    "sends": "this client sends too many messages",
    "send_bytes": "this client sends too many bytes",
    "polls": "this client polls too often: are there two pages with its token?",
}
APPLICATION_LIMITS = 100
"""How many limits of its own an application may use for one client; beyond that the oldest is forgotten."""


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """The limits for one address and one client; the section ``[limits]`` in the settings has the reasons.

    Args:
        clients_per_address: clients of one address.
        unpolled_per_address: clients of one address that have not polled yet.
        unpolled_grace: seconds after which such a client may be ended to make room.
        connects, connects_burst: new clients of one address, a second and in a burst.
        sends, sends_burst: messages of one client, a second and in a burst.
        send_bytes, send_bytes_burst: bytes of its messages, a second and in a burst.
        polls, polls_burst: polls of one client that bring nothing, a second and in a burst.
    """

    clients_per_address: int = 5_000
    unpolled_per_address: int = 500
    unpolled_grace: float = 10.0
    connects: float = 100.0
    connects_burst: float = 1_000.0
    sends: float = 100.0
    sends_burst: float = 1_000.0
    send_bytes: float = 256 * 1024.0
    send_bytes_burst: float = 4 * 1024 * 1024.0
    polls: float = 10.0
    polls_burst: float = 100.0

    def within(self, clients: int) -> ClientLimits:
        """Return these limits for a server that may have ``clients`` clients.

        One address never gets more than half of the places, and its clients that have not polled never get
        more than a quarter.
        """
        return replace(
            self,
            clients_per_address=min(self.clients_per_address, max(clients // 2, 1)),
            unpolled_per_address=min(self.unpolled_per_address, max(clients // 4, 1)),
        )


class ClientRates:
    """The token buckets of one client, made when the client first sends or needs the limit of polls.

    Args:
        limits: how fast the client may send and poll.
        limited: counts refusals by the name of the setting.

    ``messages`` and ``bytes`` limit what the client sends. ``polls`` limits polls that bring nothing: those
    that are not held, or that replace another one.
    """

    __slots__ = ("_limited", "_of_application", "bytes", "messages", "polls")

    def __init__(self, limits: ClientLimits, limited: Counter[str]) -> None:
        self.messages = TokenBucket(limits.sends, limits.sends_burst)
        self.bytes = TokenBucket(limits.send_bytes, limits.send_bytes_burst)
        self.polls = TokenBucket(limits.polls, limits.polls_burst)
        self._of_application: dict[str, TokenBucket] = {}
        self._limited = limited

    def refusal(self, setting: str, wait: float) -> TooMany:
        """Count a refusal by the limit ``setting``; return the error with the seconds to wait."""
        self._limited[setting] += 1
        return TooMany(REASONS[setting], retry=wait)

    def take(self, name: str, count: float, per: float, now: float) -> float:
        """Take one from the application's limit ``name``, which allows ``count`` times in ``per`` seconds.

        Returns:
            0.0 if it is allowed; otherwise the seconds until it would be.
        """
        bucket = self._of_application.get(name)
        if bucket is None or (bucket.rate, bucket.burst) != (count / per, count):
            if len(self._of_application) >= APPLICATION_LIMITS:
                del self._of_application[next(iter(self._of_application))]
            bucket = self._of_application[name] = TokenBucket(count / per, count)
        wait = bucket.take(now)
        if wait:
            self._limited["application"] += 1
        return wait
