"""The overflow policies: what happens when a client's outbox is full.

The policy of the message that *arrives* decides. With room for three messages, ``a`` in flight and ``b`` and
``c`` waiting, a new ``d`` leads to:

    drop_oldest   a Loss(b) c d   the oldest waiting message is dropped
    drop_newest   a b c Loss(d)   the new message is dropped
    disconnect                    the client is ended; while such a message waits, it is not dropped
    conflate      a b d           where d has the key of c; not a loss, since d is the newer state of the same
                                  thing. It happens even while there is room. Otherwise as drop_oldest

A message in flight is neither dropped nor replaced, and a reply to a call is never dropped.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping


class Overflow(enum.Enum):
    """What to do with a message for which the outbox has no room."""

    DROP_OLDEST = "drop_oldest"  # drop the oldest waiting message instead
    DROP_NEWEST = "drop_newest"  # drop this message
    CONFLATE = "conflate"  # replace the waiting message with the same key, even where there is room
    DISCONNECT = "disconnect"  # end the client, with a reason


class Policies:
    """The overflow policies of one application.

    Args:
        default: the policy of messages that no channel's policy applies to; None means the settings' policy.
        channels: policies by channel name or pattern. ``*`` in a pattern matches any text, even an empty one.
    """

    def __init__(self, default: Overflow | None, channels: Mapping[str, Overflow]) -> None:
        self.default = default
        self._names = channels
        self._patterns = [(_compiled(name), policy) for name, policy in channels.items() if "*" in name]

    def of(self, channel: str) -> Overflow | None:
        """Return the policy of ``channel``: by its exact name, else by the first pattern that matches."""
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
