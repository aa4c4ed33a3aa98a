"""The rows that the durable queue stores, and the changes that are not committed yet.

While one transaction is in flight, all further changes are collected in one ``Changes``, which the next
transaction commits as a whole. Several changes of one thing become one write. For a client ``c``:

    acknowledges 5, then 9           cursors {"c": 9}
    sends messages 3 and 4           items [3, 4]
    a hook sets its data twice       data {"c": the second}
    leaves, and all of it is done    forgotten {"c": None}, and nothing else about c

If the transaction fails, the senders of its messages and items get an error, so these are not written again;
all other changes are merged into the next transaction (``to_retry``).

Rows consist of numbers and texts that every database accepts: data is JSON in ASCII, or in UTF-8 without
control characters; names are JSON strings.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple


class StoredClient(NamedTuple):
    """The row of a client.

    Args:
        id: the client's id.
        application: the name of its application.
        session: the id of its browser's session.
        created: seconds since the epoch.
        cursor: the last message that its browser has acknowledged.
        received: the number of the last message that was accepted from its browser.
        handled: the number of the last message whose hook has ended; -1 until ``on_connect`` has ended.
        gone: whether it has left, expired or been disconnected.
        lost: how many messages were dropped without the browser having acknowledged the loss.
        lost_at: the id of the last of them.
        data: ``client.data`` as it was when the last step ended, JSON; None if there is none.
        evicted: why the server ended the client, JSON; None if it did not.
        identity: the client's user, JSON (``thywill.core.user``); None if nobody has logged in.
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
    identity: str | None = None


class StoredMessage(NamedTuple):
    """A message of the log, with its address and the step that sent it (see ``thywill.hub.step``).

    Args:
        application: the name of the application.
        id: the position in the application's log.
        kind: the kind of the address: a client, a session or a channel.
        name: the client's id, the session's id or the channel's name.
        data: the message, JSON.
        reply_to: the number of the browser's message that it replies to.
        key: the key by which a newer message replaces it (``conflate``).
        overflow: the overflow policy; None means that of the settings.
        cause_client: the client whose step sent it; None if no step did.
        cause_number: the number of that step.
        sent: seconds since the epoch.
        cause_index: which of the step's messages to this receiver it is, from 0; None if an older version of
            thywill wrote the row.
        history: whether it belongs to the history of a channel, and so is not trimmed with the log.
        exclude: the id of a client that does not get the message; None if all receivers get it.
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
    history: bool = False
    exclude: str | None = None


class StoredItem(NamedTuple):
    """An accepted message of a browser whose hook has not ended. ``item`` is its JSON on the wire."""

    client: str
    n: int
    item: str


class StoredSubscription(NamedTuple):
    """A client gets a channel's messages after the id ``since``, up to ``until`` (None: it is still in)."""

    client: str
    channel: str
    since: int
    until: int | None = None


class MembershipChange(NamedTuple):
    """A client enters or leaves a channel. ``position`` is the id of the last message before the change."""

    enters: bool
    client: str
    channel: str
    position: int


class StoredPublication(NamedTuple):
    """A published message to which its publisher gave an id (see ``thywill.core.publication``).

    Args:
        application: the name of the application.
        message: the position of the message in the application's log.
        key: the digest of application and id; it is unique.
        digest: the digest of the rest. It tells a repeat from another message with the same id.
        sent: seconds since the epoch.
    """

    application: str
    message: int
    key: str
    digest: str
    sent: float


@dataclass(slots=True)
class Stored:
    """Everything that the queue has in the database, as it is read at the start.

    Messages are ordered by id, publications by time.
    """

    clients: list[StoredClient] = field(default_factory=list)
    messages: list[StoredMessage] = field(default_factory=list)
    items: list[StoredItem] = field(default_factory=list)
    subscriptions: list[StoredSubscription] = field(default_factory=list)
    publications: list[StoredPublication] = field(default_factory=list)


@dataclass(slots=True)
class Changes:
    """What one transaction writes. The dicts are keyed by a client's id.

    Args:
        clients: new clients.
        messages: new messages of the log.
        publications: the rows of those new messages that were published with an id.
        items: accepted messages from browsers.
        memberships: clients that enter or leave channels, in order.
        entries: clients that enter a channel together with one of these messages: if the message is refused,
            the client does not enter.
        cursors: acknowledgements.
        handled: the number of the last step that has ended.
        data: ``client.data``, JSON.
        identities: the client's user, JSON.
        lost: how many messages were dropped, and the id of the last of them.
        gone: clients that are gone, but whose last steps are not handled yet.
        evicted: the number up to which the messages of a disconnected client count as handled, and the
            reason, JSON.
        forgotten: clients to delete with everything about them.
        withdrawn: application and id of messages that were refused because their transaction failed. They
            are deleted with their publications, since the database may have committed that transaction before
            the connection broke.
        unentered: the entries that were refused together with such a message; deleted for the same reason.
    """

    clients: dict[str, StoredClient] = field(default_factory=dict)
    messages: list[StoredMessage] = field(default_factory=list)
    publications: list[StoredPublication] = field(default_factory=list)
    items: list[StoredItem] = field(default_factory=list)
    memberships: list[MembershipChange] = field(default_factory=list)
    entries: list[MembershipChange] = field(default_factory=list)
    cursors: dict[str, int] = field(default_factory=dict)
    handled: dict[str, int] = field(default_factory=dict)
    data: dict[str, str] = field(default_factory=dict)
    identities: dict[str, str] = field(default_factory=dict)
    lost: dict[str, tuple[int, int]] = field(default_factory=dict)
    gone: dict[str, None] = field(default_factory=dict)
    evicted: dict[str, tuple[int, str]] = field(default_factory=dict)
    forgotten: dict[str, None] = field(default_factory=dict)
    withdrawn: list[tuple[str, int]] = field(default_factory=list)
    unentered: list[MembershipChange] = field(default_factory=list)

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__slots__)

    def forget(self, client_id: str) -> None:
        """Delete everything about a client.

        The deletion is written even for a client that is not in the database yet: a transaction that seemed
        to fail may have written it.
        """
        self.forgotten[client_id] = None
        for changed in (
            self.cursors,
            self.handled,
            self.data,
            self.identities,
            self.lost,
            self.gone,
            self.evicted,
        ):
            changed.pop(client_id, None)
        if self.clients.pop(client_id, None) is not None:
            self.memberships = [each for each in self.memberships if each.client != client_id]
            self.entries = [each for each in self.entries if each.client != client_id]
            self.items = [item for item in self.items if item.client != client_id]

    def received(self) -> dict[str, int]:
        """Return the highest number of each client that counts as accepted after the commit."""
        last = {item.client: item.n for item in self.items}
        return last | {client_id: number for client_id, (number, _) in self.evicted.items()}

    def to_retry(self, later: Changes) -> Changes:
        """Return what the next transaction has to write after this one has failed.

        Args:
            later: the changes that were collected while this transaction was in flight.
        """
        refused = [(message.application, message.id) for message in self.messages]
        left = Changes(
            clients=self.clients | later.clients,
            memberships=self.memberships + later.memberships,
            cursors=self.cursors | later.cursors,
            handled=self.handled | later.handled,
            data=self.data | later.data,
            identities=self.identities | later.identities,
            lost=self.lost | later.lost,
            gone=self.gone | later.gone,
            evicted=self.evicted | later.evicted,
            withdrawn=self.withdrawn + refused + later.withdrawn,
            unentered=self.unentered + self.entries + later.unentered,
        )
        for client_id in self.forgotten | later.forgotten:
            left.forget(client_id)
        return left
