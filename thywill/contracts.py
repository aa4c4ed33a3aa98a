"""What the hub needs of the other parts, and the words that they share. It imports none of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from thywill.client import LiveClient
from thywill.core.envelope import Item
from thywill.core.outbox import Outbox
from thywill.core.record import Recorded


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


class Listener(Protocol):
    """The side of the applications, as the hub sees it."""

    def connected(self, client: LiveClient) -> None:
        """``client`` has polled for the first time."""
        ...

    def received(self, client: LiveClient, items: Sequence[Item]) -> None:
        """``client`` sent these; ``client.pending`` counts them until they are handled."""
        ...

    def disconnected(self, client: LiveClient) -> None:
        """``client`` is gone; called only after ``connected``."""
        ...


class MessageQueue(Protocol):
    """The message log, as the hub sees it."""

    def open(self, client_id: str) -> Outbox:
        """Return the queue of a new client."""
        ...

    async def append(self, application: str, address: Address, data: bytes, reply_to: int | None) -> int:
        """Add a message; return its id once it is as safe as this queue makes it."""
        ...

    def acknowledged(self, client: LiveClient) -> None:
        """``client.outbox.cursor`` has moved."""
        ...

    def close(self, client: LiveClient) -> None:
        """``client`` is gone."""
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
