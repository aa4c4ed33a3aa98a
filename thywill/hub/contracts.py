"""What the hub needs of the other parts, and the words that they share. It imports none of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from thywill.core.envelope import Item
from thywill.core.inbox import Inbox
from thywill.core.lifecycle import State
from thywill.core.message import Message
from thywill.core.outbox import Entry, Outbox
from thywill.core.record import Recorded
from thywill.errors import Gone, RequestError, UnsendableMessage
from thywill.hub.client import LiveClient
from thywill.hub.step import CONNECTED

KEY = 200

Then = Callable[[RequestError | None], None]
"""Called once something is safe, or with the error because of which it is not."""

Answer = Callable[[int, RequestError | None], None]
"""Tells a browser up to which number its messages are accepted, or why they are not."""


class Address(NamedTuple):
    """Whom a message is for: one client, every client of a session, or every client in a channel."""

    kind: str
    name: str

    @classmethod
    def client(cls, name: str) -> Address:
        """Address one client by its id."""
        return cls("client", name)

    @classmethod
    def session(cls, name: str) -> Address:
        """Address every client of one browser."""
        return cls("session", name)

    @classmethod
    def channel(cls, name: str) -> Address:
        """Address every client in the channel ``name``."""
        return cls("channel", name)

    def keyed(self, key: str) -> str:
        """Return ``key`` as the queues know it: at another address it is another.

        Raises:
            UnsendableMessage: it is no text, or too long.
        """
        if not isinstance(key, str) or len(key) > KEY:
            raise UnsendableMessage(f"its key must be a text of {KEY} characters at the most")
        return f"{self.kind} {self.name!r} {key!r}"


class Listener(Protocol):
    """The side of the applications, as the hub sees it."""

    def connected(self, client: LiveClient) -> None:
        """``client`` has polled for the first time."""
        ...

    def resumed(self, client: LiveClient) -> None:
        """The server was restarted, and ``client``, which has connected before, goes on."""
        ...

    def received(self, client: LiveClient, items: Sequence[Item]) -> None:
        """``client`` sent these; ``client.pending`` counts them until they are handled."""
        ...

    def disconnected(self, client: LiveClient) -> None:
        """``client`` is gone; called only after ``connected`` or ``resumed``."""
        ...


class Receivers(Protocol):
    """The side of the clients, as the message log sees it."""

    def deliver(self, application: str, address: Address, entry: Entry) -> None:
        """Put a message that is safe into the queues of those it is for."""
        ...

    def clients(self, application: str) -> Sequence[LiveClient]:
        """Return the clients of ``application``."""
        ...

    def drop_up_to(self, application: str, up_to: int) -> None:
        """Drop every message up to that id from the queues of ``application``; their clients are told."""
        ...


@dataclass(slots=True)
class Restored:
    """What a queue that survives has kept of one client.

    ``handled`` is the number of the last step of this client that came to its end (see
    ``thywill.hub.step``), ``items`` are those it has sent that did not, ``data`` is what it was at that end;
    ``gone`` says that it had left, ``evicted`` why, if it was disconnected.
    """

    id: str
    application: str
    session: str
    outbox: Outbox
    received: int
    handled: int
    gone: bool
    created: float
    address: str = ""
    user_agent: str = ""
    evicted: str | None = None
    data: dict[str, Any] | None = None
    channels: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    def client(self, now: float) -> LiveClient:
        """Return the client as it was, detached, and seen ``now`` (seconds since the epoch)."""
        inbox = Inbox(self.received)
        client = LiveClient(self.id, self.application, self.session, self.outbox, inbox, self.created)
        client.address, client.user_agent, client.data = self.address, self.user_agent, self.data
        client.seen, client.greeted, client.pending = now, True, len(self.items)
        if self.items and self.handled >= CONNECTED:
            client.begun = self.items[0].n  # its hook may have begun, and what that has sent stays
        if self.gone:
            client.state = State.GONE
        return client

    def catch_up(self, client: LiveClient, listener: Listener) -> None:
        """Tell ``listener`` what is left to do for ``client``."""
        if self.handled < CONNECTED:
            listener.connected(client)
        else:
            listener.resumed(client)
        if self.items:
            listener.received(client, self.items)
        if self.gone:
            listener.disconnected(client)


class MessageQueue(Protocol):
    """The message log, as the hub sees it.

    What it is told in some order is safe in that order: a message that is safe was sent to members that are.
    """

    def open(self, application: str) -> Outbox:
        """Return the queue of a new client."""
        ...

    def keep(self, client: LiveClient) -> None:
        """``client`` has polled for the first time: it is more than a page that somebody fetched."""
        ...

    async def append(self, application: str, address: Address, message: Message) -> int:
        """Add a message; return its id once it is as safe as this queue makes it.

        Raises:
            Unavailable: it cannot be made safe now, and is not sent.
        """
        ...

    def accept(self, client: LiveClient, items: Sequence[Item], then: Then) -> None:
        """``client`` sent ``items``: call ``then`` when these, and all before, are safe."""
        ...

    def handled(self, client: LiveClient, number: int) -> None:
        """The application has done with this step of ``client`` (see ``thywill.hub.step``)."""
        ...

    def touched(self, client: LiveClient) -> None:
        """The application asks for ``client.data``, and may change it."""
        ...

    def subscribed(self, client: LiveClient, channel: str) -> None:
        """``client`` is in ``channel`` from now on."""
        ...

    def unsubscribed(self, client: LiveClient, channel: str) -> None:
        """``client`` is not in ``channel`` any more."""
        ...

    def acknowledged(self, client: LiveClient) -> None:
        """``client.outbox.cursor`` has moved."""
        ...

    def close(self, client: LiveClient, then: Then, evicted: Gone | None = None) -> None:
        """``client`` is gone: call ``then`` when that is safe, after all that it has sent.

        ``evicted`` says why, if this side has ended it: then ``client.inbox.received`` is the number of the
        last of its messages that is handled.
        """
        ...


class Records(Protocol):
    """The client records, as the hub sees them."""

    def save(self, client: Recorded) -> None:
        """Keep what has changed; never blocks."""
        ...


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of a client's life, in seconds, and how much of it may wait.

    Args:
        hold: how long a poll is parked at most.
        grace: how long a client without a request is kept.
        pause: how long a browser may be without a request before it counts as detached.
        token: how long a token may be presented to a server that does not know its client.
        pending: how many messages of one client may wait for its application's hooks.
        clients: how many clients there may be.
        record: how often a record is brought up to date when nothing but the time has changed.
        tick: how coarse all of these are.
    """

    hold: float = 25.0
    grace: float = 60.0
    pause: float = 5.0
    token: float = 30 * 24 * 3600.0
    pending: int = 200
    clients: int = 100_000
    record: float = 60.0
    tick: float = 0.5
