"""What the steps that a crash interrupted had sent before it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from thywill.core.changes import StoredClient, StoredMessage
from thywill.hub.contracts import Address
from thywill.hub.step import DISCONNECTED, Cause


class Sent(NamedTuple):
    """A message of such a step; ``number`` as ``StoredMessage.cause_index``."""

    address: Address
    reply_to: int | None
    number: int | None
    id: int


class Replay:
    """Recognizes, when such a step is handled again, each message that the log has of it already.

    By whom it is for, what it replies to and its number among those, and not by its data: most messages hold
    a time or a name that would differ now.
    """

    def __init__(self, clients: Iterable[StoredClient], messages: Iterable[StoredMessage]) -> None:
        handled = {client.id: client.handled for client in clients}
        self._sent: dict[tuple[str, int], list[Sent]] = defaultdict(list)
        for row in messages:
            if row.cause_client is None or row.cause_number is None or row.cause_client not in handled:
                continue
            if row.cause_number == DISCONNECTED or row.cause_number > handled[row.cause_client]:
                sent = Sent(Address(row.kind, json.loads(row.name)), row.reply_to, row.cause_index, row.id)
                self._sent[row.cause_client, row.cause_number].append(sent)
        # Of all that they sent: the next server may have to recognize what this one has.
        self._lowest = {step: sent[0].id for step, sent in self._sent.items()}

    def take(self, cause: Cause, address: Address, reply_to: int | None, index: int) -> int | None:
        """Return the id under which ``cause`` has sent this before, or None.

        Args:
            cause: the step.
            address: whom it is for now.
            reply_to: what it replies to.
            index: its number among the step's messages of which both are the same.
        """
        sent = self._sent.get((cause.client, cause.number), [])
        for number in (index, None):  # those of an older thywill have nothing but their order
            for place, one in enumerate(sent):
                if one[:3] == (address, reply_to, number):
                    del sent[place]
                    return one.id
        return None

    def lowest(self) -> int | None:
        """Return the lowest id of a message that may still be asked for, here or after another crash."""
        return min(self._lowest.values(), default=None)

    def done(self, client_id: str, number: int) -> None:
        """The step has come to its end."""
        self._sent.pop((client_id, number), None)
        self._lowest.pop((client_id, number), None)
