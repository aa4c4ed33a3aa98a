"""What a message is sent for: the step of a client's that an application is handling just now.

A queue that survives a crash notes it with the message. After a restart the step is handled again if it had
not come to its end, and what it sent before is recognized and not sent twice.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import NamedTuple

CONNECTED = 0
"""The number of a client's first step: its messages count from 1."""

DISCONNECTED = -1
"""The number of its last."""


class Cause(NamedTuple):
    """The message ``number`` of the client ``client``, or one of the two steps above."""

    client: str
    number: int


current: ContextVar[Cause | None] = ContextVar("thywill_cause", default=None)
"""Set while a hook runs; a task that a hook starts has it too."""
