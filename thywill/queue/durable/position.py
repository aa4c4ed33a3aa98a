"""The ids that one application's log has reached: assigned, delivered and trimmed."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from thywill.core.positions import begin


@dataclass(slots=True)
class Position:
    """The ids that one application's log has reached.

    Args:
        restored: the last id in the log when this server began.
        first: the first id that this server assigns.
        assigned: the last id that was assigned.
        delivered: the last id that was delivered.
        trimmed: all messages up to this id are deleted.
        marks: pairs of a time (seconds) and the last id delivered by then, the oldest first.
    """

    restored: int
    first: int
    assigned: int
    delivered: int
    trimmed: int = 0
    marks: deque[tuple[float, int]] = field(default_factory=deque)

    @classmethod
    def begin(cls, now: float, last: int) -> Position:
        """Return the position of a server that begins.

        Args:
            now: seconds since 1970.
            last: the last id in the log, 0 if it is empty.
        """
        first = begin(now, last)
        return cls(restored=last, first=first, assigned=first - 1, delivered=last)

    def is_lost(self, cursor: int) -> bool:
        """Return whether ``cursor`` is an id that the log can only have had before it was rolled back."""
        return self.restored < cursor < self.first or cursor > self.assigned

    def older_than(self, age: float, now: float) -> int:
        """Return the last id that was delivered ``age`` seconds ago, and remember the present one."""
        old = 0
        self.marks.append((now, self.delivered))
        while self.marks[0][0] <= now - age:
            _, old = self.marks.popleft()
        return old
