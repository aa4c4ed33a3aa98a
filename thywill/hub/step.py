"""Steps: what an application handles for a client, one hook at a time, and the messages that each step sends.

A step is ``on_connect`` (number 0), a message or call of the browser (by its number), or ``on_disconnect``.
The durable queue stores each message with its *cause*, which is the step that sent it, and an index. If the
server dies before a step has ended, the next server handles the whole step again, and must not send twice
the messages that are stored already. It recognizes a message by cause, receiver and index. For example, step
7 of client "a" publishes "x" and "y" in the lobby and sends "z" to "b"; the server dies before it sends "z":

    before the crash    (a, 7) to lobby, index 0: "x"      (a, 7) to lobby, index 1: "y"
    step 7 again        to lobby, index 0: stored, skip    to lobby, index 1: stored, skip
                        to b, index 0: new, so it is stored and delivered

Data is not compared, since a hook may send other data when it runs again (a time, a random number). There is
one exception: if a message was refused because the database was away, and the hook then sends the same data
to the same receiver again, that is a second try and gets the index of the first one.
"""

from __future__ import annotations

from collections.abc import Hashable
from contextvars import ContextVar

import msgspec

CONNECTED = 0
"""The number of a client's first step, ``on_connect``. Its messages are numbered from 1."""

DISCONNECTED = -1
"""The number of a client's last step, ``on_disconnect``."""

RESUMED = -2
"""The number of the step ``on_resume``. It is not stored, since every restart makes a new one."""


class Step(msgspec.Struct, eq=False):
    """One step of a client, as the cause of the messages that it sends.

    ``open`` becomes false when the step ends. If a hook has started a task, messages that the task sends
    after that have no cause. ``counts`` and ``refused`` hold what ``index`` and ``failed`` remember, by
    receiver.

    Args:
        client: the client's id.
        number: the number of its message, or ``CONNECTED``, ``DISCONNECTED`` or ``RESUMED``.
    """

    client: str
    number: int
    open: bool = True
    # None instead of empty dicts: most steps send nothing, and hardly any message is refused.
    counts: dict[Hashable, int] | None = None
    refused: dict[Hashable, list[tuple[bytes, int]]] | None = None

    def index(self, to: Hashable, data: bytes) -> int:
        """Return the index of a message among those that the step sends to one receiver.

        Args:
            to: the receiver, and the number of the message that this replies to; each has its own index.
            data: the encoded data, by which a second try is recognized.
        """
        again = self._tried(to, data) if self.refused else None
        if again is not None:
            return again
        if self.counts is None:
            self.counts = {}
        index = self.counts.get(to, 0)
        self.counts[to] = index + 1
        return index

    def failed(self, to: Hashable, data: bytes, index: int) -> None:
        """Remember that the message with this index was refused; the same data sent again gets its index."""
        if self.refused is None:
            self.refused = {}
        self.refused.setdefault(to, []).append((data, index))

    def _tried(self, to: Hashable, data: bytes) -> int | None:
        assert self.refused is not None
        failed = self.refused.pop(to, [])
        for place, (text, index) in enumerate(failed):
            if text == data:
                del failed[place]
                self.refused[to] = failed
                return index
        return None


CURRENT: ContextVar[Step | None] = ContextVar("thywill_step", default=None)
"""The step for which the running task works; it may have ended."""


def current() -> Step | None:
    """Return the step for which the running task works; None if there is none or it has ended."""
    step = CURRENT.get()
    return step if step is not None and step.open else None
