"""How much the queues of one application hold of its messages."""

from __future__ import annotations

import weakref
from dataclasses import dataclass

from thywill.core.outbox import Entry

RELIEF = 0.9
"""Down to this part of the bounds messages are given up: not at every message anew."""
STEP = 1.1
"""By this factor the bounds have to be passed before more is given up, while that is still under way."""


@dataclass(frozen=True, slots=True)
class LogBounds:
    """How many messages, and how many bytes of them, one log may hold."""

    messages: int = 100_000
    size: int = 64 * 1024 * 1024


class _Held(weakref.ref[Entry]):
    __slots__ = ("id", "size")

    id: int
    size: int


class MessageLog:
    """The messages of one application that some queue holds, each counted once, however many hold it.

    It refers to messages weakly: what no queue holds any more has left the count by itself, so that nothing
    needs to be done when a message is acknowledged, and one sleeper does not keep what others have had.
    """

    def __init__(self, bounds: LogBounds) -> None:
        self._bounds = bounds
        self._held: dict[int, _Held] = {}
        self._release = self._released
        self._slack = 1.0
        self.size = 0

    def __len__(self) -> int:
        return len(self._held)

    def hold(self, entry: Entry) -> None:
        """Count ``entry``, whose id is higher than all before, as long as a queue holds it."""
        held = _Held(entry, self._release)
        held.id, held.size = entry.id, len(entry.encoded)
        self._held[entry.id] = held
        self.size += held.size

    def _released(self, held: weakref.ref[Entry]) -> None:
        assert isinstance(held, _Held)
        del self._held[held.id]
        self.size -= held.size

    def excess(self) -> tuple[int, int] | None:
        """Return up to which id messages must be given up, and how many; None within the bounds."""
        bounds, slack = self._bounds, self._slack
        if len(self._held) <= bounds.messages and self.size <= bounds.size:
            self._slack = 1.0
            return None
        if len(self._held) <= bounds.messages * slack and self.size <= bounds.size * slack:
            return None
        self._slack *= STEP
        return self._oldest()

    def _oldest(self) -> tuple[int, int]:
        messages = int(len(self._held) - self._bounds.messages * RELIEF)
        size = self.size - self._bounds.size * RELIEF
        count = up_to = 0
        for held in list(self._held.values()):
            if count >= messages and size <= 0:
                break
            up_to, count, size = held.id, count + 1, size - held.size
        return up_to, count
