"""A token bucket: limits how often something may happen, and allows a burst.

With ``rate=10, burst=30`` thirty messages pass at once, then ten a second. After three seconds without a
message thirty pass at once again.
"""

from __future__ import annotations

ROUNDING = 1e-9
"""The part of the burst that may be missing: so rounding refuses nobody who has waited long enough."""


class TokenBucket:
    """Holds at most ``burst`` tokens and gains ``rate`` tokens a second. Each event takes tokens.

    Args:
        rate: tokens a second; more than 0.
        burst: how many tokens the bucket holds at most; it begins full. More than 0.
    """

    __slots__ = ("_tokens", "_updated", "burst", "rate")

    def __init__(self, rate: float, burst: float) -> None:
        self.rate = rate
        self.burst = burst
        self._tokens = burst
        self._updated: float | None = None

    def take(self, now: float, amount: float = 1.0) -> float:
        """Take ``amount`` tokens if they are there.

        A full bucket grants an amount above ``burst``, and owes the difference. Otherwise such an amount
        would be refused for ever.

        Args:
            now: seconds of a monotonic clock. A time before that of an earlier call counts as that time.
            amount: how many tokens to take.

        Returns:
            0.0 if the tokens were taken. Otherwise none was taken, and the result is the seconds after which
            the call would succeed.
        """
        tokens = self._refill(now)
        missing = min(amount, self.burst) - tokens
        if missing > self.burst * ROUNDING:
            return missing / self.rate
        self._tokens = tokens - amount
        return 0.0

    def is_full(self, now: float) -> bool:
        """Return whether the bucket is full, like a new one, so that it need not be stored."""
        return self._refill(now) >= self.burst

    def _refill(self, now: float) -> float:
        if self._updated is None:
            self._updated = now
        elif now > self._updated:
            self._tokens = min(self.burst, self._tokens + (now - self._updated) * self.rate)
            self._updated = now
        return self._tokens
