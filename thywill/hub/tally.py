"""The counts of applications and channels, and the times when ids were assigned."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque

import msgspec


class Marks(msgspec.Struct, eq=False):
    """Remembers when some ids were assigned; each such pair is a mark.

    Args:
        step: the least number of seconds between two marks, and so the largest error of a time.
        limit: how many marks are remembered.
    """

    step: float = 0.5
    limit: int = 2400
    due: float = float("-inf")
    marks: deque[tuple[int, float]] = msgspec.field(default_factory=deque)

    def add(self, number: int, now: float) -> None:
        """Remember that the id ``number``, the highest so far, was assigned at ``now``, in seconds."""
        self.due = now + self.step
        self.marks.append((number, now))
        if len(self.marks) > self.limit:
            self.marks.popleft()

    def since(self, number: int) -> float | None:
        """Return when the id ``number`` was assigned, or up to ``step`` earlier; None if there is no mark.

        For an id below the oldest mark this is the oldest mark's time: the id is at least that old.
        """
        if not self.marks:
            return None
        index = bisect_left(self.marks, (number + 1,)) - 1
        return self.marks[max(index, 0)][1]


class Tally(msgspec.Struct, eq=False):
    """The counts of one application: ``sends`` counts a message once, ``queued`` once for each receiver."""

    sends: int = 0
    queued: int = 0
    received: int = 0
    marks: Marks = msgspec.field(default_factory=Marks)


class ChannelTally:
    """The counts of channels, by application and name: how many messages, and how many receivers in all.

    An application may have a channel for each user, so only ``limit`` channels are counted at a time.
    """

    __slots__ = ("_counts", "_limit")

    def __init__(self, limit: int = 1000) -> None:
        self._limit = limit
        self._counts: dict[tuple[str, str], tuple[int, int]] = {}

    def add(self, application: str, channel: str, receivers: int) -> None:
        """Count a message to ``channel``."""
        key = application, channel
        count = self._counts.get(key)
        if count is not None:
            self._counts[key] = count[0] + 1, count[1] + receivers
        elif len(self._counts) < self._limit:
            self._counts[key] = 1, receivers

    def take(self) -> dict[tuple[str, str], tuple[int, int]]:
        """Return the counts since the last call: (messages, receivers) by application and channel."""
        counts, self._counts = self._counts, {}
        return counts
