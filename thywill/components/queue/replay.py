"""What the steps that a crash interrupted had sent before it."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable

from thywill.cause import DISCONNECTED, Cause
from thywill.contracts import Address
from thywill.core.changes import KeptClient, KeptMessage


class Replay:
    """Recognizes, when such a step is handled again, each message that the log has of it already.

    By whom it is for and what it replies to, in order, and not by its data: most messages hold a time or a
    name that would differ now.
    """

    def __init__(self, clients: Iterable[KeptClient], messages: Iterable[KeptMessage]) -> None:
        handled = {client.id: client.handled for client in clients}
        self._sent: dict[tuple[str, int], list[tuple[Address, int | None, int]]] = defaultdict(list)
        for row in messages:
            if row.cause_client is None or row.cause_number is None or row.cause_client not in handled:
                continue
            if row.cause_number == DISCONNECTED or row.cause_number > handled[row.cause_client]:
                sent = (Address(row.kind, json.loads(row.name)), row.reply_to, row.id)
                self._sent[row.cause_client, row.cause_number].append(sent)

    def take(self, cause: Cause, address: Address, reply_to: int | None) -> int | None:
        """Return the id under which ``cause`` has sent this before, or None."""
        sent = self._sent.get((cause.client, cause.number), [])
        for index, (to, reply, message_id) in enumerate(sent):
            if to == address and reply == reply_to:
                del sent[index]
                return message_id
        return None

    def lowest(self) -> int | None:
        """Return the lowest id of a message that may still be asked for."""
        return min((sent[0][2] for sent in self._sent.values() if sent), default=None)

    def done(self, client_id: str, number: int) -> None:
        """The step has come to its end."""
        self._sent.pop((client_id, number), None)
