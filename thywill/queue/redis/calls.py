"""Numbers the calls of one server to Redis, so that Redis notices what comes late and what it has lost.

    call 7     no answer within the time: its connection is closed, and the batch is executed again as call 8
    call 8     answered
    call 7     reaches Redis only now: refused, since Redis knows call 8
    failover   a replica takes over that knows the calls up to 6 only
    call 9     says that call 8 was answered: so Redis has lost something (``rewind`` in library.lua)

Each application has numbers of its own, since what belongs to one application is in one hash slot of Redis.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping, Sequence

from thywill.queue.redis.link import Command
from thywill.queue.shared.operations import Expire, Operation, Renew, Trim

REPEATED = (Expire, Renew, Trim)
"""Operations that every server executes again soon, so that nobody misses them if Redis has lost them."""


class Calls:
    """The calls of one server. ``caller`` is its name in them; no other server has ever had it.

    ``positions`` are the highest ids that it has read, by application.
    """

    def __init__(self) -> None:
        self.caller = secrets.token_hex(6)
        self._sent: Counter[str] = Counter()
        self._answered: Counter[str] = Counter()
        self.positions: Counter[str] = Counter()

    def next(self, application: str) -> Command:
        """Return the arguments of the next call: caller, number, last number answered, highest id seen."""
        self._sent[application] += 1
        return (
            self.caller,
            self._sent[application],
            self._answered[application],
            self.positions[application],
        )

    def answered(self, application: str, number: int, operations: Sequence[Operation]) -> None:
        """A call with ``operations`` was answered: Redis must not forget it."""
        if not all(isinstance(each, REPEATED) for each in operations):
            self._answered[application] = max(number, self._answered[application])

    def seen(self, positions: Mapping[str, int]) -> None:
        """This server has read the logs up to ``positions``; new ids have to be higher."""
        self.positions |= Counter(positions)
