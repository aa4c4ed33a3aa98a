"""What a message is sent for: the step of a client's that an application is handling just now.

A queue that survives a crash notes it with the message. After a restart the step is handled again if it had
not come to its end, and what it sent before is recognized and not sent twice.

So a step counts what it sends, in the same way each time that it is handled. What was refused counts too: the
next time it may be kept. A step that sends the same data to the same receiver once more, and nothing else
between, is taken to try again, which counts once.
"""

from __future__ import annotations

from collections.abc import Hashable
from contextvars import ContextVar

CONNECTED = 0
"""The number of a client's first step: its messages count from 1."""

DISCONNECTED = -1
"""The number of its last."""

RESUMED = -2
"""The number of the step that a restart of the server makes; nothing is kept of it."""


class Cause:
    """The message ``number`` of the client ``client``, or one of the steps above.

    It is ``open`` until the step ends: what a task sends that a hook has left behind belongs to no step.
    """

    __slots__ = ("_counts", "_failed", "client", "number", "open")

    def __init__(self, client: str, number: int) -> None:
        self.client = client
        self.number = number
        self.open = True
        # Most steps send nothing, and nearly all the others are never refused anything.
        self._counts: dict[Hashable, int] | None = None
        self._failed: dict[Hashable, list[tuple[bytes, int]]] | None = None

    def index(self, to: Hashable, data: bytes) -> int:
        """Return how many other messages the step has sent before this one, which holds ``data``.

        Args:
            to: whom it is for, and what it replies to; each has a count of its own.
            data: what may show that it was sent before, and has failed.
        """
        again = self._tried(to, data) if self._failed else None
        if again is not None:
            return again
        if self._counts is None:
            self._counts = {}
        index = self._counts.get(to, 0)
        self._counts[to] = index + 1
        return index

    def failed(self, to: Hashable, data: bytes, index: int) -> None:
        """The message with that ``index`` was not kept, as far as the step knows."""
        if self._failed is None:
            self._failed = {}
        self._failed.setdefault(to, []).append((data, index))

    def _tried(self, to: Hashable, data: bytes) -> int | None:
        assert self._failed is not None
        failed = self._failed.pop(to, [])
        for place, (text, index) in enumerate(failed):
            if text == data:
                del failed[place]
                self._failed[to] = failed
                return index
        return None


_current: ContextVar[Cause | None] = ContextVar("thywill_cause", default=None)


def begin(cause: Cause) -> None:
    """Let ``cause`` be that of everything that the running task sends from now on."""
    _current.set(cause)


def current() -> Cause | None:
    """Return the step that the running task works for, or None."""
    cause = _current.get()
    return cause if cause is not None and cause.open else None
