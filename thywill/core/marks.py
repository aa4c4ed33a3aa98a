"""Roughly when each message id was assigned, in little memory.

The age of a message is needed for metrics, but a time in every message would cost memory. Instead the time of
an id is remembered twice a second, and the time of any id is that of the last mark before it:

    marks (100, at 5.0 s), (180, at 5.5 s), (260, at 6.0 s)     since(200) is 5.5
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque


class Marks:
    """Remembers when some ids were assigned.

    Args:
        step: the least number of seconds between two marks, which is also how wrong a time may be.
        limit: how many marks are remembered.
    """

    __slots__ = ("_marks", "_step", "due")

    def __init__(self, step: float = 0.5, limit: int = 2400) -> None:
        self._step = step
        self._marks: deque[tuple[int, float]] = deque(maxlen=limit)
        self.due = float("-inf")

    def add(self, number: int, now: float) -> None:
        """Remember that the id ``number``, higher than all before, was assigned ``now``."""
        self.due = now + self._step
        self._marks.append((number, now))

    def since(self, number: int) -> float | None:
        """Return when the id ``number`` was assigned, or up to ``step`` earlier; None if there is no mark.

        For an id below the oldest mark this is the oldest mark's time: the id is at least that old.
        """
        if not self._marks:
            return None
        index = bisect_left(self._marks, (number + 1,)) - 1
        return self._marks[max(index, 0)][1]
