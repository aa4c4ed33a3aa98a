"""A token bucket: how often something may happen, with room for a burst."""

from __future__ import annotations

ROUNDING = 1e-9
"""The part of a burst that may be missing, so that no rounding refuses whoever waited as long as told."""


class TokenBucket:
    """Holds up to ``burst`` tokens and gains ``rate`` a second; what is limited takes its tokens first.

    With ``rate=10, burst=30`` thirty messages pass at once, then ten a second; after three quiet seconds
    thirty pass at once again.

    Args:
        rate: tokens a second; more than 0.
        burst: how many tokens there are at most, and at the beginning; more than 0.
    """

    __slots__ = ("_tokens", "_updated", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._updated: float | None = None

    def take(self, now: float, amount: float = 1.0) -> float:
        """Take ``amount`` tokens; return 0.0, or take none and return the seconds until that would succeed.

        An amount above ``burst`` is let through by a full bucket, which is in debt afterwards: otherwise it
        would be refused for ever.

        Args:
            now: seconds by a monotonic clock; a time before that of an earlier call counts as that one.
            amount: how many tokens to take.
        """
        tokens = self._refill(now)
        missing = min(amount, self.burst) - tokens
        if missing > self.burst * ROUNDING:
            return missing / self.rate
        self._tokens = tokens - amount
        return 0.0

    def is_full(self, now: float) -> bool:
        """Tell whether a new bucket would not differ from this one, so that it need not be remembered."""
        return self._refill(now) >= self.burst

    def _refill(self, now: float) -> float:
        if self._updated is None:
            self._updated = now
        elif now > self._updated:
            self._tokens = min(self.burst, self._tokens + (now - self._updated) * self.rate)
            self._updated = now
        return self._tokens
