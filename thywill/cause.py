"""What a message is sent for: the step of a client's that an application is handling just now.

A queue that survives a crash notes it with the message. After a restart the step is handled again if it had
not come to its end, and what it sent before is recognized and not sent twice.
"""

from __future__ import annotations

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

    __slots__ = ("client", "number", "open")

    def __init__(self, client: str, number: int) -> None:
        self.client = client
        self.number = number
        self.open = True


_current: ContextVar[Cause | None] = ContextVar("thywill_cause", default=None)


def begin(cause: Cause) -> None:
    """Let ``cause`` be that of everything that the running task sends from now on."""
    _current.set(cause)


def current() -> Cause | None:
    """Return the step that the running task works for, or None."""
    cause = _current.get()
    return cause if cause is not None and cause.open else None
