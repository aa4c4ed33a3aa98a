"""The contracts between the hub and the parts around it. The hub knows no other class of these parts.

    hub ──▶ MessageQueue   saves messages and changes of clients    subclass: queue.base.Queue
    hub ──▶ Listener       runs the applications' hooks             subclass: application_interface.base
    hub ──▶ Receiver       answers a browser's waiting request      in thywill.hub.client, for push components

The hub reports each event once. The queue decides what of it is saved, and where.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from thywill.core.envelope import Item
from thywill.core.history import History, HistoryBounds
from thywill.core.message import Address, Message
from thywill.core.outbox import Outbox
from thywill.core.publication import Publication
from thywill.errors import Gone, RequestError
from thywill.hub.client import LiveClient

Then = Callable[[RequestError | None], None]
"""Called with None when something is safe, or with the error that prevented it."""

Answer = Callable[[int, RequestError | None], None]
"""Called with the number up to which a browser's messages are accepted, and the error if they are not."""


class Elsewhere(Exception):
    """A request's client is not with this server, but may be with another one.

    ``bring(cursor, then)`` brings it here: ``then`` is called with None when the client is here, so that the
    request can be tried again, or with the error that answers the request. ``cursor`` is the page's.
    """

    def __init__(self, bring: Callable[[int, Then], None]) -> None:
        super().__init__("the client is not with this server")
        self.bring = bring


class Listener(ABC):
    """What the hub calls when a client does something: the applications."""

    @abstractmethod
    def connected(self, client: LiveClient) -> None:
        """``client`` has polled for the first time."""

    @abstractmethod
    def resumed(self, client: LiveClient) -> None:
        """The server was restarted, and ``client``, which had connected before, was restored."""

    @abstractmethod
    def received(self, client: LiveClient, items: Sequence[Item]) -> None:
        """``client`` has sent ``items``.

        For each one set ``client.begun`` when its hook begins; set ``client.handled`` and call
        ``Actions.handled`` when it has ended.
        """

    @abstractmethod
    def disconnected(self, client: LiveClient) -> None:
        """``client`` is gone; called only after ``connected`` or ``resumed``."""


class ActionQueue(ABC):
    """What is called to save what applications do; one part of the ``MessageQueue``."""

    may_begin: Callable[[], bool] | None = None
    """Tells whether the next hook may begin, where another server may run the hooks by now; else None."""

    @abstractmethod
    def identified(self, client: LiveClient) -> None:
        """``client.identity`` has changed."""

    @abstractmethod
    def data_requested(self, client: LiveClient) -> None:
        """The application reads ``client.data``, and may change it."""

    @abstractmethod
    async def append(self, application: str, address: Address, message: Message) -> int:
        """Add a message; return its id when it is as safe as this queue makes it and was delivered.

        Raises:
            Unavailable: it cannot be saved at present; it was not sent.
        """

    @abstractmethod
    def declare(self, application: str, rules: Mapping[str, HistoryBounds]) -> None:
        """Record the channels of ``application`` for late clients, by ``rules`` for names and patterns.

        Called for each application, before the queue starts.
        """

    @abstractmethod
    def history(self, application: str) -> History:
        """Return what the channels of ``application`` keep."""

    @abstractmethod
    def past(self, application: str, channel: str) -> list[bytes]:
        """Return the encoded messages that a channel keeps, the oldest first.

        With a queue that several servers share, what was published in the last moments may be missing.
        """

    @abstractmethod
    async def replay(self, client: LiveClient, channel: str, limit: int, entered: Callable[[], None]) -> None:
        """Send ``client`` the past of ``channel`` in packs, and put it into the channel exactly after them.

        Args:
            client: the client.
            channel: a channel that keeps its past.
            limit: how many bytes a pack may have.
            entered: as in ``enter``.

        Raises:
            Unavailable: as in ``enter``.
        """

    @abstractmethod
    async def enter(
        self, client: LiveClient, channel: str, packs: Sequence[Message], entered: Callable[[], None]
    ) -> None:
        """Send ``packs`` to ``client``, and put it into ``channel`` exactly after the last of them.

        Their ids are assigned before this waits.

        Args:
            client: the client.
            channel: the channel.
            packs: messages for this client alone; may be empty.
            entered: called when the last one is delivered, to put the client into the channel here.

        Raises:
            Unavailable: they cannot be saved at present; nothing was sent and the client is not in it.
        """

    @abstractmethod
    def handled(self, client: LiveClient, number: int) -> None:
        """The application has ended this step of ``client`` (see ``thywill.hub.step``)."""

    @abstractmethod
    def subscribed(self, client: LiveClient, channel: str) -> None:
        """``client`` is in ``channel`` from now on."""

    @abstractmethod
    def unsubscribed(self, client: LiveClient, channel: str) -> None:
        """``client`` is not in ``channel`` any more."""


class MessageQueue(ActionQueue):
    """What the hub calls to save something: messages, and changes of clients.

    Events become safe in the order of the calls. For example, a message is never safe before the memberships
    that decide who gets it. Only ``append`` may wait.
    """

    durable: ClassVar[bool] = False
    """Whether it outlives the process and needs its database."""

    ends_clients: ClassVar[bool] = False
    """Whether it ends clients that stay away for the grace time; otherwise the hub does.

    A client that has not polled is ended by the hub in any case."""

    def listener(self, applications: Listener) -> Listener:
        """Return what gets the events of clients: the applications, or what stands before them."""
        return applications

    @abstractmethod
    def open(self, application: str) -> Outbox:
        """Return the outbox of a new client."""

    @abstractmethod
    def add(self, client: LiveClient) -> None:
        """``client`` has polled for the first time; before that it is not saved."""

    @abstractmethod
    def changed(self, client: LiveClient) -> None:
        """The record of ``client`` has changed: its state, its address, or when it was seen last."""

    @abstractmethod
    async def publish(self, publications: Sequence[Publication]) -> list[int]:
        """Add messages from outside, all of them or none; return their ids when they are safe.

        A publication whose mark is known gets the id of the first one, and is not sent again.

        Raises:
            Reused: a mark belongs to another message; nothing was sent.
            Unavailable: they cannot be saved at present; nothing was sent.
        """

    @abstractmethod
    def accept(self, client: LiveClient, items: Sequence[Item], then: Then) -> None:
        """``client`` has sent ``items``: call ``then`` when these and all earlier ones are safe."""

    @abstractmethod
    def is_from_a_lost_time(self, application: str, cursor: int) -> bool:
        """Tell whether ``cursor`` can only be an id of messages that the log has lost.

        It loses them when its database is replaced by an older one, such as a backup.
        """

    @abstractmethod
    def acknowledged(self, client: LiveClient) -> None:
        """The browser of ``client`` has acknowledged the messages up to ``client.outbox.cursor``."""

    @abstractmethod
    def close(self, client: LiveClient, then: Then, evicted: Gone | None = None) -> None:
        """``client`` is gone: call ``then`` when that and all that it has sent is safe.

        Args:
            client: the client, which may never have polled.
            then: called when it is safe.
            evicted: the reason if the server has ended the client. Then ``client.inbox.received`` is the
                number of its last message whose hook has begun; later ones are dropped.
        """
