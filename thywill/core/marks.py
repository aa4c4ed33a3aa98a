"""When ids were given out, roughly, in little memory."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque


class Marks:
    """Remembers the time of an id now and then, so that no message has to carry its own.

    Args:
        step: seconds between two marks at least; the age of an id is right within that.
        limit: how many marks are kept.
    """

    __slots__ = ("_marks", "_step", "due")

    def __init__(self, step: float = 0.5, limit: int = 2400) -> None:
        self._step = step
        self._marks: deque[tuple[int, float]] = deque(maxlen=limit)
        self.due = float("-inf")

    def add(self, number: int, now: float) -> None:
        """The id ``number``, higher than all before, was given out ``now``; not needed before ``due``."""
        self.due = now + self._step
        self._marks.append((number, now))

    def since(self, number: int) -> float | None:
        """Return when the id ``number`` was given out, or a little before; None where no mark is left.

        An id below the oldest mark is at least as old as that.
        """
        if not self._marks:
            return None
        index = bisect_left(self._marks, (number + 1,)) - 1
        return self._marks[max(index, 0)][1]
