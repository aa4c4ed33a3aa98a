"""What the hub asks of its neighbours: a component subclasses the class here, and the hub knows no other.

    hub ──▶ MessageQueue   what has to be kept of clients and messages   thywill.queue.base.Queue
    hub ──▶ Listener       the applications                              thywill.application_interface.base
    hub ──▶ Receiver       a browser's request that waits                thywill.hub.client, for pushes

The hub tells of each event once: a queue decides what of it is kept, and where.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence

from thywill.core.envelope import Item
from thywill.core.message import Address, Message
from thywill.core.outbox import Outbox
from thywill.errors import Gone, RequestError
from thywill.hub.client import LiveClient

Then = Callable[[RequestError | None], None]
"""Called once something is safe, or with the error because of which it could not be made so."""

Answer = Callable[[int, RequestError | None], None]
"""Tells a browser up to which number its messages are accepted, or why they are not."""


class Listener(ABC):
    """The applications, as the hub sees them: it tells them what clients do."""

    @abstractmethod
    def connected(self, client: LiveClient) -> None:
        """``client`` has polled for the first time."""

    @abstractmethod
    def resumed(self, client: LiveClient) -> None:
        """The server was restarted, and ``client``, which has connected before, goes on."""

    @abstractmethod
    def received(self, client: LiveClient, items: Sequence[Item]) -> None:
        """``client`` sent ``items``. For each of them ``Hub.handled`` is called once it is handled."""

    @abstractmethod
    def disconnected(self, client: LiveClient) -> None:
        """``client`` is gone; called only after ``connected`` or ``resumed``."""


class MessageQueue(ABC):
    """The message log and the records of the clients, as the hub sees them.

    What a queue is told in some order is safe in that order: a message is never safe before the membership of
    those it was sent to. No method but ``append`` waits.
    """

    @abstractmethod
    def open(self, application: str) -> Outbox:
        """Return the outbox of a new client."""

    @abstractmethod
    def add(self, client: LiveClient) -> None:
        """``client`` has polled for the first time: it is more than a page that somebody fetched."""

    @abstractmethod
    def changed(self, client: LiveClient) -> None:
        """The record of ``client`` has changed: its state, its address, or when it was seen last."""

    @abstractmethod
    def data_requested(self, client: LiveClient) -> None:
        """The application asks for ``client.data``, and may change it."""

    @abstractmethod
    async def append(self, application: str, address: Address, message: Message) -> int:
        """Add a message; return its id once it is as safe as this queue makes it, and delivered.

        Raises:
            Unavailable: it cannot be made safe now, and is not sent.
        """

    @abstractmethod
    def accept(self, client: LiveClient, items: Sequence[Item], then: Then) -> None:
        """``client`` sent ``items``: call ``then`` when these, and all before them, are safe."""

    @abstractmethod
    def handled(self, client: LiveClient, number: int) -> None:
        """The application has handled this step of ``client`` (see ``thywill.hub.step``)."""

    @abstractmethod
    def subscribed(self, client: LiveClient, channel: str) -> None:
        """``client`` is in ``channel`` from now on."""

    @abstractmethod
    def unsubscribed(self, client: LiveClient, channel: str) -> None:
        """``client`` is not in ``channel`` any more."""

    @abstractmethod
    def acknowledged(self, client: LiveClient) -> None:
        """The browser of ``client`` has all messages up to ``client.outbox.cursor``."""

    @abstractmethod
    def close(self, client: LiveClient, then: Then, evicted: Gone | None = None) -> None:
        """``client`` is gone: call ``then`` when that is safe, after all that it has sent.

        Args:
            client: who; it may never have polled.
            then: called when it is safe.
            evicted: the reason, if this side has ended it. Then ``client.inbox.received`` is the number of
                the last of its messages that is handled.
        """
