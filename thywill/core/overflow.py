"""What happens to a message when a queue that it is for is full, and which messages it happens to."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping


class Overflow(enum.Enum):
    """What a message does where the queue is full."""

    DROP_OLDEST = "drop_oldest"  # the oldest that was not given out goes for it
    DROP_NEWEST = "drop_newest"  # it does not get in
    CONFLATE = "conflate"  # it takes the place of the one with the same key, even before the queue is full
    DISCONNECT = "disconnect"  # the client is gone, and is told why


class Policies:
    """The policies of one application.

    Args:
        default: that of a message to which no other applies; None for the one of the settings.
        channels: those of channels, by name or by pattern: ``*`` stands for any text, also for none.
    """

    def __init__(self, default: Overflow | None, channels: Mapping[str, Overflow]) -> None:
        self.default = default
        self._names = channels
        self._patterns = [(_compiled(name), policy) for name, policy in channels.items() if "*" in name]

    def of(self, channel: str) -> Overflow | None:
        """Return the policy of ``channel``: by its very name, else by the first pattern that fits."""
        if not self._names:
            return self.default
        named = self._names.get(channel)
        if named is not None:
            return named
        for pattern, policy in self._patterns:
            if pattern.fullmatch(channel):
                return policy
        return self.default


def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(".*".join(re.escape(part) for part in pattern.split("*")), re.DOTALL)
