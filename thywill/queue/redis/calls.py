"""Numbers the calls of one server to Redis, so that Redis notices late calls and its own losses.

    call 7     no answer in time: its connection is closed, and the batch is executed again as call 8
    call 8     answered
    call 7     reaches Redis only now: refused, since Redis knows call 8
    failover   a replica takes over that knows only the calls up to 6
    call 9     says that call 8 was answered: so Redis has lost data (``rewind`` in library.lua)

Each application has its own numbers, because all keys of one application are in one hash slot of Redis.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence

from thywill.queue.redis.link import Command
from thywill.queue.shared.operations import Expire, Operation, Renew, Trim

REPEATED = (Expire, Renew, Trim)
"""Operations that every server executes again soon, so that it does no harm if Redis has lost them."""


class Calls:
    """The calls of one server. ``caller`` is the server's name in them; no other server ever has this name.

    ``positions`` has the highest id that the server has read, by application.
    """

    def __init__(self) -> None:
        self.caller = secrets.token_hex(6)
        self._sent: Counter[str] = Counter()
        self._answered: Counter[str] = Counter()
        self.positions: Counter[str] = Counter()

    def next(self, application: str) -> Command:
        """Return the arguments of the next call: caller, number, last answered number, highest id seen."""
        self._sent[application] += 1
        return (
            self.caller,
            self._sent[application],
            self._answered[application],
            self.positions[application],
        )

    def answered(self, application: str, number: int, operations: Sequence[Operation]) -> None:
        """Note that a call with ``operations`` was answered: from now on Redis must not lose it."""
        if not all(isinstance(each, REPEATED) for each in operations):
            self._answered[application] = max(number, self._answered[application])

    def seen(self, positions: Mapping[str, int]) -> None:
        """Note that this server has read the logs up to ``positions``: new ids have to be higher."""
        self.positions |= Counter(positions)
