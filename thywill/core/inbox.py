"""Numbered messages from a browser: each accepted once, in order, without a gap."""

from __future__ import annotations

from collections.abc import Sequence

from thywill.core.envelope import Item, check_call
from thywill.errors import Gap


class Inbox:
    """What one client has sent so far.

    Args:
        received: the number of the last message that was accepted.
    """

    __slots__ = ("received",)

    def __init__(self, received: int = 0) -> None:
        self.received = received

    def accept(self, items: Sequence[Item], room: int) -> list[Item]:
        """Accept the items that are new, ``room`` at the most, and return them.

        A repeat of what was accepted before is ignored: the browser sends a batch again when it never
        saw the answer. Nothing is accepted when anything in the batch is wrong.

        Raises:
            Gap: a number is missing before or between the items.
            Malformed: a call without a list of arguments.
        """
        fresh = self._fresh(items)[:room]
        self.received += len(fresh)
        return fresh

    def refuse(self, number: int) -> None:
        """What was accepted from ``number`` on could not be kept: the browser has to send it again."""
        self.received = min(self.received, number - 1)

    def _fresh(self, items: Sequence[Item]) -> list[Item]:
        expected = self.received + 1
        fresh: list[Item] = []
        for item in items:
            if item.n < expected:
                continue
            if item.n > expected:
                raise Gap(self.received)
            check_call(item)
            fresh.append(item)
            expected += 1
        return fresh
