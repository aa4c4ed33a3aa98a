"""Recognizes the messages that a step sent before a crash, when the step runs again.

A step runs again if the server was killed before the step's end was committed. The messages that the step had
sent by then are in the log already, and must not be sent twice. An example: at message 7 of client A the hook
publishes three times, to "lobby", to "lobby" and to "score". The server is killed after the second one.

    In the log:    id 40, from (A, 7), to "lobby", index 0        In the log:    id 41, same, index 1
    The step runs again. It publishes to "lobby", index 0:        id 40 is returned, nothing is sent.
    It publishes to "lobby", index 1:                             id 41 is returned, nothing is sent.
    It publishes to "score", index 0:                             the log has none, so it is sent now.

Messages are matched by step, receiver, the item to which they reply, and their index among such messages.
They are never matched by data: many messages hold a time or a random number, which differs in the second run.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from thywill.core.changes import StoredClient, StoredMessage
from thywill.core.message import Address
from thywill.hub.step import DISCONNECTED, Step


class Sent(NamedTuple):
    """A message that an interrupted step has sent; ``number`` is its ``StoredMessage.cause_index``."""

    address: Address
    reply_to: int | None
    number: int | None
    id: int


class Replay:
    """The messages of all interrupted steps; each of them is recognized once.

    Args:
        clients: the clients whose steps run again.
        messages: the log, in the order of its ids.
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
        # Messages that are recognized stay included: after another crash the next server needs them, too.
        self._lowest = {step: sent[0].id for step, sent in self._sent.items()}

    def take(self, step: Step, address: Address, reply_to: int | None, index: int) -> int | None:
        """Return the id under which ``step`` has sent this message before; None if it has not.

        Args:
            step: the step that runs again.
            address: the receiver.
            reply_to: the number of the item to which the message replies.
            index: its index among the step's messages with the same ``address`` and ``reply_to``.
        """
        sent = self._sent.get((step.client, step.number), [])
        for number in (index, None):  # rows of an older version have no index; their order counts
            for place, one in enumerate(sent):
                if one[:3] == (address, reply_to, number):
                    del sent[place]
                    return one.id
        return None

    def lowest(self) -> int | None:
        """Return the lowest id that has to stay in the log to recognize repeats; None if none has to."""
        return min(self._lowest.values(), default=None)

    def step_ended(self, client_id: str, number: int) -> None:
        """Forget the messages of a step that has ended."""
        self._sent.pop((client_id, number), None)
        self._lowest.pop((client_id, number), None)
