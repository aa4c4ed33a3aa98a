"""A client's inbox: it accepts each message of the browser once, in order, without a gap.

A browser numbers its messages 1, 2, 3 … and sends them in batches. When the answer to a batch is lost, the
browser cannot know whether the batch arrived, so it sends it again. The inbox needs one number to accept each
message exactly once: ``received``, the number of the last one that it has accepted. An example:

    received 0    batch 1 2             accepts 1, 2    the answer {"received": 2} is lost
    received 2    batch 1 2 3           accepts 3       1 and 2 are repeats and are ignored
    received 3    batch 5               Gap(3)          nothing is accepted; the browser sends again from 4
    received 3    batch 4 5 6, room 2   accepts 4, 5    {"received": 5}: the browser sends 6 again later
    received 5    batch 5 with other data               Conflict(5): two pages have the same token

The last row is why the inbox remembers a digest of the last messages: a browser that duplicates a tab copies
the token, and the messages of the second page would be taken for repeats and lost.

With a queue that survives restarts, accepted messages are safe once they are committed to the database. When
the commit fails, ``refuse`` sets the number back, and the browser sends them again.

Digests are not stored: a row for each accepted message would cost more than the message. So after a restart
only the messages whose hooks had not ended are known and compared. Of the messages before them, the last
batch counts as repeats without a comparison, since a browser never repeats more than one batch; an older
number is a conflict. So a second page with the token is recognized after a restart, too, unless it uses a
number of the last batch.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence

import msgspec

from thywill.core.envelope import Item, check_call
from thywill.errors import Conflict, Gap

REMEMBERED = 500
"""How many of the last messages are remembered by their digests. An older number cannot be a repeat, since no
batch is longer (``[queue] batch``)."""
NONE = range(0)

_encode = msgspec.json.Encoder().encode


class Inbox:
    """Accepts the messages of one client.

    Args:
        received: the number of the last message that was accepted.
        last: after a restart, the messages up to ``received`` that are known; their hooks had not ended.
        batch: how many messages a browser may repeat at once.
    """

    __slots__ = ("_digests", "_unknown", "received")

    def __init__(self, received: int = 0, last: Sequence[Item] = (), batch: int = REMEMBERED) -> None:
        self.received = received
        # Numbers from before a restart that may come as repeats but have no digest.
        self._unknown = range(received - batch + 1, received - len(last) + 1) if received else NONE
        # The digests of the last messages up to ``received``; None at first, since most pages never send.
        self._digests: array[int] | None = array("q", map(digest, last)) if last else None

    def accept(self, items: Sequence[Item], room: int) -> list[Item]:
        """Accept the new messages of a batch, and ignore those that were accepted before.

        If any message in the batch is wrong, none is accepted.

        Args:
            items: the batch, in the order in which it was sent.
            room: how many messages to accept at most.

        Returns:
            the messages that are now accepted.

        Raises:
            Conflict: a number was used before for another message: two pages have the same token.
            Gap: a number is missing before or between the messages.
            Malformed: the arguments of a call are not a list.
        """
        fresh = self._fresh(items)[:room]
        if fresh:
            self._remember(fresh)
        self.received += len(fresh)
        return fresh

    def _remember(self, fresh: list[Item]) -> None:
        if self._digests is None:
            self._digests = array("q")
        self._digests.extend(map(digest, fresh))
        if len(self._digests) > 2 * REMEMBERED:
            del self._digests[:-REMEMBERED]

    def _check_repeat(self, item: Item) -> None:
        """Check that ``item``, whose number was received before, is the same message."""
        age = self.received - item.n
        digests = self._digests or ()
        is_same = digests[-1 - age] == digest(item) if age < len(digests) else item.n in self._unknown
        if not is_same:
            raise Conflict(item.n)

    def refuse(self, number: int) -> None:
        """Take back message ``number`` and all later ones: the browser has to send them again."""
        taken_back = self.received - number + 1
        if taken_back > 0:
            self.received -= taken_back
            if self._digests:
                del self._digests[-taken_back:]

    def _fresh(self, items: Sequence[Item]) -> list[Item]:
        expected = self.received + 1
        fresh: list[Item] = []
        for item in items:
            if item.n < expected:
                if item.n <= self.received:
                    self._check_repeat(item)
                continue
            if item.n > expected:
                raise Gap(self.received)
            if item.method is not None:
                check_call(item)
            fresh.append(item)
            expected += 1
        return fresh


def digest(item: Item) -> int:
    """Return a digest of 64 bits, which tells a repeat from another message with the same number.

    The digest is keyed with a random key of the process (SipHash), so nobody can construct two messages with
    the same digest.
    """
    try:
        return hash(_encode(item))
    except (OverflowError, msgspec.MsgspecError):  # an integer beyond 64 bits
        return hash(repr(item))
