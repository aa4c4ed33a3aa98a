"""How fast one client may send and poll, by token buckets: whoever is faster is told when to come back."""

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
NAMED = 100
"""How many limits of its own an application may have for one client."""


@dataclass(frozen=True, slots=True)
class ClientLimits:
    """How much one address, and one client, may have. The section ``[limits]`` has the reasons.

    Args:
        clients_per_address: clients of one address.
        unpolled_per_address: those of them that have not polled yet.
        unpolled_grace: seconds that such a client has before another may take its place.
        connects, connects_burst: new clients of one address, a second and at once.
        sends, sends_burst: messages of one client, a second and at once.
        send_bytes, send_bytes_burst: their bytes.
        polls, polls_burst: polls of one client that bring nothing, a second and at once.
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
        """Return these limits for a server of so many clients: one address never gets more than half of it.

        Of clients that have not polled it gets no more than a quarter.
        """
        return replace(
            self,
            clients_per_address=min(self.clients_per_address, max(clients // 2, 1)),
            unpolled_per_address=min(self.unpolled_per_address, max(clients // 4, 1)),
        )


class ClientRates:
    """The buckets of one client; made when it sends, or polls for nothing, for the first time.

    Args:
        limits: how fast it may.
        limited: counts what is refused, by the name of the setting.

    ``messages`` and ``bytes`` are for what it sends, ``polls`` for polls that bring nothing: they are not
    held, or take the place of another.
    """

    __slots__ = ("_limited", "_named", "bytes", "messages", "polls")

    def __init__(self, limits: ClientLimits, limited: Counter[str]) -> None:
        self.messages = TokenBucket(limits.sends, limits.sends_burst)
        self.bytes = TokenBucket(limits.send_bytes, limits.send_bytes_burst)
        self.polls = TokenBucket(limits.polls, limits.polls_burst)
        self._named: dict[str, TokenBucket] = {}
        self._limited = limited

    def refusal(self, setting: str, wait: float) -> TooMany:
        """Count that the client was too fast for ``setting``; return the error that tells it to wait."""
        self._limited[setting] += 1
        return TooMany(REASONS[setting], retry=wait)

    def take(self, name: str, count: float, per: float, now: float) -> float:
        """Take from a limit of the application's own: ``count`` times in ``per`` seconds.

        Returns:
            0.0, or the seconds until it would succeed.
        """
        bucket = self._named.get(name)
        if bucket is None or (bucket.rate, bucket.burst) != (count / per, count):
            if len(self._named) >= NAMED:
                del self._named[next(iter(self._named))]
            bucket = self._named[name] = TokenBucket(count / per, count)
        wait = bucket.take(now)
        if wait:
            self._limited["application"] += 1
        return wait
