"""Messages that other programs publish, and the memory that keeps a repeat from being sent twice.

A publisher whose connection breaks gets no answer and has to send again. So it gives its message an id of its
own, and a message whose id was used before is answered with the position of the first one. For each id two
digests are remembered: one of application and id, and one of everything else. With an age of 3,600 s:

       0 s   "order-7" to the channel "till", data 1     new: it is sent at the position 41
       3 s   "order-7" to the channel "till", data 1     known: the answer is 41, and nothing is sent
       4 s   "order-7" to the channel "till", data 2     refused: the id belongs to another message
    3600 s   "order-7" to the channel "till", data 1     forgotten: it is sent again, at the position 95

The order of the fields in an object makes no difference: ``{"a": 1, "b": 2}`` is the same as
``{"b": 2, "a": 1}``.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec

from thywill.core.changes import StoredPublication
from thywill.core.message import Address, Message
from thywill.errors import Reused

DIGEST_BYTES = 16
_encode = msgspec.json.Encoder(order="sorted").encode


class Mark(NamedTuple):
    """The digests that are remembered of a publication with an id.

    Args:
        key: the digest of application and id, in hexadecimal digits.
        digest: the digest of the receiver, the data and the key of the message.
    """

    key: str
    digest: str

    @classmethod
    def of(cls, application: str, publication_id: str, address: Address, data: Any, key: str | None) -> Mark:
        """Return the mark of a publication, whose ``data`` is any JSON value."""
        return cls(_digest([application, publication_id]), _digest([*address, key, data]))


class Publication(NamedTuple):
    """One message that another program publishes.

    Args:
        application: the name of the application.
        address: the receivers.
        message: the message.
        mark: recognizes a repeat; None if the publisher gave no id.
    """

    application: str
    address: Address
    message: Message
    mark: Mark | None = None

    def stored(self, message_id: int, now: float) -> StoredPublication | None:
        """Return the row that stores the mark; None if there is no mark.

        Args:
            message_id: the position of the message.
            now: seconds since the epoch.
        """
        if self.mark is None:
            return None
        return StoredPublication(self.application, message_id, self.mark.key, self.mark.digest, now)


class Publications:
    """Remembers publications with an id, for a limited time and up to a limited number.

    Args:
        age: how many seconds a publication is remembered.
        limit: how many are remembered; beyond the limit the oldest is forgotten.
    """

    def __init__(self, age: float, limit: int) -> None:
        self._age = age
        self._limit = limit
        # Not a dict, which would step over the places of all deleted rows to find the oldest one.
        self._rows: OrderedDict[str, StoredPublication] = OrderedDict()
        self._forgotten = False

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, row: StoredPublication) -> None:
        """Remember a publication, which must be the newest."""
        self._rows[row.key] = row
        if len(self._rows) > self._limit:
            self._forget_oldest()

    def withdraw(self, rows: Iterable[StoredPublication]) -> None:
        """Forget publications whose messages could not be saved: their publishers will send them again."""
        for row in rows:
            if self._rows.get(row.key) is row:
                del self._rows[row.key]

    def position(self, publication: Publication) -> int | None:
        """Return the position of the message that this publication repeats; None if it repeats none."""
        row = self._rows.get(publication.mark.key) if publication.mark else None
        return None if row is None else row.message

    def check(self, publications: Sequence[Publication], now: float) -> None:
        """Check that no id of ``publications`` was used for another message, before or among themselves.

        Args:
            publications: messages that are published together.
            now: seconds since the epoch.

        Raises:
            Reused: an id was used for another message; the error has the index of the first such publication.
        """
        self.expire(now)
        digests: dict[str, str] = {}
        for index, each in enumerate(publications):
            if each.mark is not None:
                row = self._rows.get(each.mark.key)
                known = row.digest if row else digests.setdefault(each.mark.key, each.mark.digest)
                if known != each.mark.digest:
                    raise Reused(index)

    def expire(self, now: float) -> None:
        """Forget publications that are older than the age."""
        while self._rows and next(iter(self._rows.values())).sent <= now - self._age:
            self._forget_oldest()

    def take_forgotten(self, now: float) -> float | None:
        """Return the time before which all publications are forgotten; None if nothing was forgotten since
        the last call."""
        self.expire(now)
        if not self._forgotten:
            return None
        self._forgotten = False
        return next(iter(self._rows.values())).sent if self._rows else now - self._age

    def _forget_oldest(self) -> None:
        self._rows.popitem(last=False)
        self._forgotten = True


def _digest(parts: list[Any]) -> str:
    return hashlib.blake2b(_encode(parts), digest_size=DIGEST_BYTES).hexdigest()
