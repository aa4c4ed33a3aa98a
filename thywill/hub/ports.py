"""The contracts between the hub and the parts around it. The hub knows no other classes of these parts.

    hub ──▶ MessageQueue   saves messages and changes of clients    subclass: queue.base.Queue
    hub ──▶ Listener       runs the applications' hooks             subclass: application_interface.base
    hub ──▶ Receiver       answers a browser's waiting request      in thywill.hub.client, for push components

The hub reports each event once. The queue decides what to save, and where.
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

    ``claim(cursor, then)`` moves the client here; ``cursor`` is the page's cursor. ``then`` is called with
    None when the client is here, so that the request can be tried again, or with the error to answer it with.
    """

    def __init__(self, claim: Callable[[int, Then], None]) -> None:
        super().__init__("the client is not with this server")
        self.claim = claim


class Listener(ABC):
    """The applications, which the hub calls when a client does something."""

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
    """The part of ``MessageQueue`` that saves what applications do."""

    may_begin: Callable[[], bool] | None = None
    """Returns whether the next hook may begin: another server of a cluster may run the hooks by now.

    None if no other server can."""

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
            Unavailable: the message cannot be saved at present; it was not sent.
        """

    @abstractmethod
    def declare(self, application: str, rules: Mapping[str, HistoryBounds]) -> None:
        """Give channels of ``application`` a history, by ``rules`` for names and patterns.

        This is called for each application before the queue starts.
        """

    @abstractmethod
    def history(self, application: str) -> History:
        """Return the history of the channels of ``application``."""

    @abstractmethod
    def past(self, application: str, channel: str) -> list[bytes]:
        """Return the encoded messages of a channel's history, the oldest first.

        With a queue that several servers share, the messages of the last moments may be missing.
        """

    @abstractmethod
    async def replay(self, client: LiveClient, channel: str, limit: int, entered: Callable[[], None]) -> None:
        """Send ``client`` the history of ``channel`` in packs, and add it to the channel exactly after them.

        Args:
            client: the client.
            channel: a channel that has a history.
            limit: how many bytes a pack may have.
            entered: as in ``enter``.

        Raises:
            Unavailable: as in ``enter``.
        """

    @abstractmethod
    async def enter(
        self, client: LiveClient, channel: str, packs: Sequence[Message], entered: Callable[[], None]
    ) -> None:
        """Send ``packs`` to ``client``, and add it to ``channel`` exactly after the last of them.

        The ids of the packs are assigned before this method waits for anything.

        Args:
            client: the client.
            channel: the channel.
            packs: messages for this client alone; may be empty.
            entered: called when the last pack is delivered, to add the client to the channel on this server.

        Raises:
            Unavailable: nothing can be saved at present; nothing was sent, and the client is not in the
                channel.
        """

    @abstractmethod
    def handled(self, client: LiveClient, number: int) -> None:
        """The application has ended the step ``number`` of ``client`` (see ``thywill.hub.step``)."""

    @abstractmethod
    def subscribed(self, client: LiveClient, channel: str) -> None:
        """``client`` is in ``channel`` from now on."""

    @abstractmethod
    def unsubscribed(self, client: LiveClient, channel: str) -> None:
        """``client`` is not in ``channel`` any more."""


class MessageQueue(ActionQueue):
    """Saves messages and changes of clients for the hub.

    Events become safe in the order of the calls. For example, a message is never safe before the memberships
    that decide who gets it. Only the asynchronous methods may wait.
    """

    durable: ClassVar[bool] = False
    """Whether the queue outlives the process and needs its database."""

    ends_clients: ClassVar[bool] = False
    """Whether the queue ends clients that stay away for the grace time; otherwise the hub does.

    The hub always ends clients that have not polled."""

    def listener(self, applications: Listener) -> Listener:
        """Return the object that gets the events of clients: the applications, or a filter before them."""
        return applications

    @abstractmethod
    def open(self, application: str) -> Outbox:
        """Return the outbox of a new client."""

    @abstractmethod
    def add(self, client: LiveClient) -> None:
        """``client`` has polled for the first time: save it from now on."""

    @abstractmethod
    def changed(self, client: LiveClient) -> None:
        """The record of ``client`` has changed: its state, its address, or when it was last seen."""

    @abstractmethod
    async def publish(self, publications: Sequence[Publication]) -> list[int]:
        """Add messages that other programs publish, all or none; return their ids when they are safe.

        A publication that repeats an earlier one gets that one's id, and is not sent again.

        Raises:
            Reused: the id that a publisher gave belongs to another message; nothing was sent.
            Unavailable: the messages cannot be saved at present; nothing was sent.
        """

    @abstractmethod
    def accept(self, client: LiveClient, items: Sequence[Item], then: Then) -> None:
        """``client`` has sent ``items``: call ``then`` when these and all earlier events are safe."""

    @abstractmethod
    def is_rolled_back(self, application: str, cursor: int) -> bool:
        """Return whether ``cursor`` can only be the id of a message that the log has lost.

        A log loses messages if its database is rolled back: replaced by an older state, such as a backup.
        """

    @property
    def keeps_cursors(self) -> bool:
        """Whether ``acknowledged`` has to be called: without it a poll is cheaper."""
        return True

    @abstractmethod
    def acknowledged(self, client: LiveClient) -> None:
        """The browser of ``client`` has acknowledged the messages up to ``client.outbox.cursor``."""

    @abstractmethod
    def close(self, client: LiveClient, then: Then, evicted: Gone | None = None) -> None:
        """``client`` is gone: call ``then`` when its end and all its messages are safe.

        Args:
            client: the client, which may never have polled.
            then: called when they are safe.
            evicted: the reason if the server has ended the client. Then ``client.inbox.received`` is the
                number of its last message whose hook has begun; later messages are dropped.
        """
