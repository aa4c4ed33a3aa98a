"""A coarse timer wheel: one clock for thousands of deadlines that mostly move before they are due.

Moving a deadline later costs an assignment: the item stays where it is in the wheel, and when its slot
comes up too early it is put further on. Moving it earlier adds it a second time, and the old place is
skipped when it comes up.
"""

from __future__ import annotations

from typing import Generic, TypeVar

NEVER = float("inf")


class Timed:
    """Something with a deadline. ``deadline`` is in seconds of a monotonic clock; ``slot`` is the wheel's."""

    __slots__ = ("deadline", "slot")

    def __init__(self) -> None:
        self.deadline = NEVER
        self.slot: int | None = None


T = TypeVar("T", bound=Timed)


class TimerWheel(Generic[T]):
    """The deadlines of many items.

    Args:
        tick: the length of a slot in seconds; an item is due at most that much too late.
        now: the time at the start, in the same clock as every later ``now``.
    """

    def __init__(self, tick: float, now: float) -> None:
        self._tick = tick
        self._current = int(now / tick)
        self._slots: dict[int, list[T]] = {}

    def __len__(self) -> int:
        return sum(len(slot) for slot in self._slots.values())

    def schedule(self, item: T, deadline: float) -> None:
        """Make ``item`` due at ``deadline``, instead of when it was due before."""
        item.deadline = deadline
        slot = int(deadline / self._tick) + 1
        if slot <= self._current:  # it has passed already: due at the next tick
            slot = self._current + 1
        if item.slot is None or slot < item.slot:
            item.slot = slot
            self._slots.setdefault(slot, []).append(item)

    def cancel(self, item: T) -> None:
        """Make ``item`` never due; the wheel lets go of it when its slot comes up."""
        item.deadline = NEVER

    def advance(self, now: float) -> list[T]:
        """Return the items that are due at ``now``; each is out of the wheel until it is scheduled again."""
        target = int(now / self._tick)
        due: list[T] = []
        if target - self._current > len(self._slots):
            passed = sorted(slot for slot in self._slots if slot <= target)
        else:
            passed = [slot for slot in range(self._current + 1, target + 1) if slot in self._slots]
        self._current = max(self._current, target)
        for slot in passed:
            self._turn(slot, now, due)
        return due

    def _turn(self, slot: int, now: float, due: list[T]) -> None:
        for item in self._slots.pop(slot):
            if item.slot != slot:
                continue
            item.slot = None
            if item.deadline <= now:
                due.append(item)
            elif item.deadline != NEVER:
                self.schedule(item, item.deadline)
