"""A timer wheel: one timer for thousands of deadlines, nearly all of which move before they are due.

Time is divided into slots of one ``tick``. An item stands in the slot that comes up just after its deadline,
so it is due at most one tick late, and never early. Every poll moves its client's deadline later, so this has
to be cheap: only ``deadline`` changes, and the item stays in its old slot. When that slot comes up, the item
moves to the slot of its present deadline. With a tick of 0.5 s:

    10.0   schedule(item, 35.0)    slot 71, which comes up at 35.5
    20.0   schedule(item, 45.0)    still in slot 71: only the deadline has changed. Hot code sets it itself,
                                   where ``deadline >= (slot - 1) * tick``
    35.5   advance                 slot 71 comes up too early for 45.0: the item moves to slot 91
    36.0   schedule(item, 41.0)    earlier than its slot: it moves to slot 83
    41.5   advance                 slot 83 comes up: the item is due, and is returned

A cancelled item leaves its slot at once. Connections that a flood opens and resets by the thousand would
otherwise keep their memory until their slots come up.
"""

from __future__ import annotations

from operator import attrgetter
from typing import Final, Generic, TypeVar

from thywill.core.native import mypyc_attr

NEVER: Final = float("inf")


@mypyc_attr(allow_interpreted_subclasses=True)
class Timed:
    """The base of what a wheel can hold.

    ``deadline`` is in seconds of a monotonic clock. ``slot`` is set by the wheel: the slot that has the item.
    """

    __slots__ = ("deadline", "slot")

    def __init__(self) -> None:
        self.deadline = NEVER
        self.slot: int | None = None


T = TypeVar("T", bound=Timed)
deadline_of = attrgetter("deadline")


class TimerWheel(Generic[T]):
    """Holds items until their deadlines.

    Args:
        tick: the length of a slot in seconds, and so the longest delay of an item.
        now: the present time, in seconds of the monotonic clock that all deadlines use.
    """

    def __init__(self, tick: float, now: float) -> None:
        self._tick = tick
        self._current = int(now / tick)
        self._slots: dict[int, dict[T, None]] = {}  # the items in order of arrival

    def __len__(self) -> int:
        return sum(len(slot) for slot in self._slots.values())

    def schedule(self, item: T, deadline: float) -> None:
        """Set the deadline of ``item``, or change it."""
        item.deadline = deadline
        slot = int(deadline / self._tick) + 1
        if slot <= self._current:  # the deadline has passed: the item is due at the next tick
            slot = self._current + 1
        if item.slot is None or slot < item.slot:
            self._leave_slot(item)
            item.slot = slot
            self._slots.setdefault(slot, {})[item] = None

    def cancel(self, item: T) -> None:
        """Remove the deadline of ``item``, and the item from the wheel."""
        item.deadline = NEVER
        self._leave_slot(item)

    def _leave_slot(self, item: T) -> None:
        slot, item.slot = item.slot, None
        if slot is not None and (items := self._slots.get(slot)) is not None:
            items.pop(item, None)

    def advance(self, now: float) -> list[T]:
        """Remove from the wheel the items whose deadline has passed at ``now``.

        Returns:
            the items, the earliest deadline first.
        """
        target = int(now / self._tick)
        due: list[T] = []
        if target - self._current > len(self._slots):
            passed = sorted(slot for slot in self._slots if slot <= target)
        else:
            passed = [slot for slot in range(self._current + 1, target + 1) if slot in self._slots]
        self._current = max(self._current, target)
        for slot in passed:
            self._turn(slot, now, due)
        due.sort(key=deadline_of)
        return due

    def _turn(self, slot: int, now: float, due: list[T]) -> None:
        for item in self._slots.pop(slot):
            item.slot = None
            if item.deadline <= now:
                due.append(item)
            elif item.deadline != NEVER:
                self.schedule(item, item.deadline)
