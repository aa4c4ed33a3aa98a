"""What a queue that survives has to keep, as the rows of its tables, and what has changed since it wrote.

The rows hold texts and numbers only, such as every database takes: data is JSON in ASCII or UTF-8 without
control characters, and names are JSON strings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class StoredClient(NamedTuple):
    """A client; ``created`` is seconds since the epoch. ``handled`` is -1 until ``on_connect`` has ended.

    ``lost`` messages were dropped of which it may not know, the last of them with the id ``lost_at``.
    ``data`` is the application's, as it was when the last step ended, and ``evicted`` why this side has ended
    the client; both are JSON, None where there is none.
    """

    id: str
    application: str
    session: str
    created: float
    cursor: int
    received: int = 0
    handled: int = -1
    gone: bool = False
    lost: int = 0
    lost_at: int = 0
    data: str | None = None
    evicted: str | None = None


class StoredMessage(NamedTuple):
    """A message of the log: whom it is for, and the step that it was sent in (see ``thywill.hub.step``).

    ``cause_index`` is its number among those of the step to the same receiver, from 0; None if an older
    thywill has written it.
    """

    application: str
    id: int
    kind: str
    name: str
    data: str
    reply_to: int | None
    key: str | None
    overflow: str | None
    cause_client: str | None
    cause_number: int | None
    sent: float
    cause_index: int | None = None


class StoredItem(NamedTuple):
    """A message from a browser that its application has not handled; ``item`` is as it came, JSON."""

    client: str
    n: int
    item: str


class StoredSubscription(NamedTuple):
    """The messages of ``channel`` after the id ``since``, up to ``until`` (None: until further notice)."""

    client: str
    channel: str
    since: int
    until: int | None = None


class Move(NamedTuple):
    """A client enters or leaves a channel, where the log is at ``position``."""

    enters: bool
    client: str
    channel: str
    position: int


@dataclass(slots=True)
class Stored:
    """Everything that is kept, as it is read at the start: messages in the order of their ids."""

    clients: list[StoredClient] = field(default_factory=list)
    messages: list[StoredMessage] = field(default_factory=list)
    items: list[StoredItem] = field(default_factory=list)
    subscriptions: list[StoredSubscription] = field(default_factory=list)


@dataclass(slots=True)
class Changes:
    """What one transaction writes.

    ``messages`` and ``items`` fail with it, and whoever sent them is told; all else is tried again with the
    next. ``withdrawn`` are messages of which the sender was told so, though the database may have them.
    ``evicted`` has for each client up to which number its messages are handled, and why it was ended.
    """

    clients: dict[str, StoredClient] = field(default_factory=dict)
    messages: list[StoredMessage] = field(default_factory=list)
    items: list[StoredItem] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    cursors: dict[str, int] = field(default_factory=dict)
    handled: dict[str, int] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    lost: dict[str, tuple[int, int]] = field(default_factory=dict)
    gone: dict[str, None] = field(default_factory=dict)
    evicted: dict[str, tuple[int, str]] = field(default_factory=dict)
    forgotten: dict[str, None] = field(default_factory=dict)
    withdrawn: list[tuple[str, int]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)

    def forget(self, client_id: str) -> None:
        """Let go of everything about a client.

        Also of one that is not written yet, as far as is known: a transaction that failed may have done it.
        """
        self.forgotten[client_id] = None
        for changed in (self.cursors, self.handled, self.data, self.lost, self.gone, self.evicted):
            changed.pop(client_id, None)
        if self.clients.pop(client_id, None) is not None:
            self.moves = [move for move in self.moves if move.client != client_id]
            self.items = [item for item in self.items if item.client != client_id]

    def received(self) -> dict[str, int]:
        """Return the number up to which each client's messages are accepted by these changes."""
        last = {item.client: item.n for item in self.items}
        return last | {client_id: number for client_id, (number, _) in self.evicted.items()}

    def to_retry(self, later: Changes) -> Changes:
        """Return what is left to write when these could not be, with what came ``later``."""
        told = [(message.application, message.id) for message in self.messages]
        left = Changes(
            clients=self.clients | later.clients,
            moves=self.moves + later.moves,
            cursors=self.cursors | later.cursors,
            handled=self.handled | later.handled,
            data=self.data | later.data,
            lost=self.lost | later.lost,
            gone=self.gone | later.gone,
            evicted=self.evicted | later.evicted,
            withdrawn=self.withdrawn + told + later.withdrawn,
        )
        for client_id in self.forgotten | later.forgotten:
            left.forget(client_id)
        return left
