"""The contract of a queue: what every queue does, and what a queue that ends with the process needs."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, NamedTuple

import msgspec

from thywill.component import Component, Configuration
from thywill.core.envelope import Item
from thywill.core.history import History, HistoryBounds, HistoryMessage, pack
from thywill.core.inbox import REMEMBERED
from thywill.core.log import LogBounds, MessageLog
from thywill.core.measures import Measures
from thywill.core.message import PACK, Address, Message
from thywill.core.outbox import Bounds, Outbox
from thywill.core.overflow import Overflow
from thywill.core.publication import Publication, Publications
from thywill.core.record import ClientRecord
from thywill.core.server_row import ServerRow
from thywill.database.base import Database
from thywill.errors import Gone
from thywill.hub.client import LiveClient
from thywill.hub.delivery import Delivery
from thywill.hub.hub import Hub
from thywill.hub.ports import MessageQueue, Then
from thywill.hub.restored import Restored

Positive = Annotated[int, msgspec.Meta(ge=1)]


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """The settings of every queue.

    Args:
        message: bytes of JSON that one message may have, in both directions.
        batch: how many messages one request or answer may carry; no more than an inbox remembers.
        messages, bytes: how much may wait for one client.
        overflow: the policy for a full outbox, for messages whose application sets no other.
        log_messages, log_bytes: how much may wait for all clients of one application together; a message for
            several clients counts once.
        history_bytes: bytes that the histories of one application's channels may have together.
        publication_ids: how many ids of published messages are remembered, for an hour.
        takeover: seconds that a starting server waits for another one that owns the database.
    """

    message: Positive = 64 * 1024
    batch: Annotated[int, msgspec.Meta(ge=1, le=REMEMBERED)] = 100
    messages: Positive = 1000
    bytes: Positive = 1024 * 1024
    overflow: Overflow = Overflow.DROP_OLDEST
    log_messages: Positive = 100_000
    log_bytes: Positive = 64 * 1024 * 1024
    history_bytes: Positive = 64 * 1024 * 1024
    publication_ids: Positive = 100_000
    takeover: Annotated[float, msgspec.Meta(ge=0)] = 30.0

    @property
    def publication_age(self) -> float:
        """Seconds for which the ids of published messages are remembered."""
        return 3600.0


class Answers(NamedTuple):
    """The answers of other servers to a question.

    Args:
        bodies: the answers.
        silent: the names of the servers that did not answer in time.
    """

    bodies: Sequence[bytes]
    silent: Sequence[str]


class KnownClient(NamedTuple):
    """A client that a shared queue has stored; it may be with any server, or with none.

    Args:
        record: its record, in which ``state`` and ``seen`` may be out of date.
        cursor: an id up to which it has acknowledged all messages; it may have acknowledged more.
        received: the number of its last accepted message.
        handled: the number of its last message whose hook has ended.
        channels: the channels that it is in.
    """

    record: ClientRecord
    cursor: int
    received: int
    handled: int
    channels: Sequence[str]


class Queue(Component, MessageQueue):
    """One ordered message log per application, and the records of the clients.

    Ids are growing integers below 2**53. When a message is as safe as the queue makes it, the queue passes it
    to ``receivers``, in the order of the ids; after that ``append`` returns. The other methods here are
    enough for a queue that ends with the process: they store only the clients' records, and call each
    ``then`` at once. ``thywill.hub.ports.MessageQueue`` says when each method is called.

    Args:
        settings: the section ``[queue]``.
        database: stores the clients' records, and the messages of a durable queue.
        receivers: adds messages to the outboxes of their receivers.
        wall: the clock, in seconds since the epoch.

    ``logs`` counts the messages that wait, by application. A message that is safe is delivered by
    ``receivers.deliver(application, address, message_id, message, logs[application])``.

    ``hub`` is the class of the hub that works with this queue. ``shared`` says whether several servers may
    use the queue at the same time. Then any of them can answer any browser, and they share one database of
    records. Two functions are set before ``start``: ``describe_server`` returns this server's row in the list
    of servers, with its name, and ``answer_server`` returns the answer to a question of another server.
    """

    Settings: ClassVar[type[Any]] = QueueSettings
    hub: ClassVar[type[Hub]] = Hub
    shared: ClassVar[bool] = False
    describe_server: Callable[[], ServerRow]
    answer_server: Callable[[bytes], Awaitable[bytes]]

    def __init__(
        self,
        settings: QueueSettings,
        database: Database,
        receivers: Delivery,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.wall = wall
        self.settings = settings
        self.database = database
        self.receivers = receivers
        self.bounds = Bounds(
            messages=settings.messages,
            size=settings.bytes,
            batch=settings.batch,
            batch_size=max(settings.message, settings.bytes // 4),
            overflow=settings.overflow,
        )
        limits = LogBounds(settings.log_messages, settings.log_bytes)
        self.logs: dict[str, MessageLog] = defaultdict(lambda: MessageLog(limits))
        self.publications = Publications(settings.publication_age, settings.publication_ids)
        self.histories: dict[str, History] = {}

    def bootstrap(self, client: LiveClient, configuration: Configuration) -> None:
        """Add to the bootstrap how much a page may send at once."""
        configuration.connection["limits"] = {
            "message": self.settings.message,
            "messages": self.settings.batch,
        }

    def measure(self, measures: Measures) -> None:
        """Add the metrics of the logs."""
        for application, messages in self.logs.items():
            text = "Messages that some queue holds, each counted once."
            measures.gauge("thywill_log_messages", text, len(messages), application=application)
            text = "Bytes of these messages."
            measures.gauge("thywill_log_bytes", text, messages.size, application=application)
        text = "Ids of messages from outside that are remembered."
        measures.gauge("thywill_publication_ids", text, len(self.publications))

    async def restore(self, applications: Container[str]) -> Sequence[Restored]:
        """Return the clients that were stored before a restart; those of other applications are deleted."""
        return ()

    def late_parts(self) -> Sequence[Component]:
        """Return the parts that start after the applications and stop before them."""
        return ()

    async def problem(self) -> str | None:
        """Return in one line why messages cannot be stored at present; None if there is no problem."""
        return None

    async def warnings(self) -> Sequence[str]:
        """Check the services that the queue needs, without a change; return a line for each weakness.

        ``run.py check`` calls this; the queue is not started.

        Raises:
            SettingsError: the queue cannot be used; the line says what to change.
        """
        return ()

    async def servers(self) -> Sequence[ServerRow]:
        """Return a row for each server that uses this queue; only a shared queue has more than one."""
        return [self.describe_server()]

    async def ask_servers(self, question: bytes) -> Answers:
        """Return the answers of the other servers that use this queue; only a shared queue has others."""
        return Answers((), ())

    async def stored_client(self, client_id: str) -> KnownClient | None:
        """Return a client that may be with any server, or with none; always None if the queue is not shared.

        Raises:
            Unavailable: the client cannot be read at present.
        """
        return None

    def end_client(self, client_id: str, reason: str) -> None:
        """End a client that may be with any server, or with none, with a reason for its page."""

    def record(self, application: str, address: Address, message_id: int, message: Message) -> bool:
        """Add a message, whose id was just assigned, to its channel's history; return whether it is kept."""
        if application not in self.histories:
            return False
        recorded = HistoryMessage(message_id, self.wall(), message.data, message.exclude)
        return self.histories[application].record(address.name, recorded)

    # What the hub calls: thywill.hub.ports.MessageQueue.

    def declare(self, application: str, rules: Mapping[str, HistoryBounds]) -> None:
        self.histories[application] = History(rules, self.settings.history_bytes)

    def history(self, application: str) -> History:
        return self.histories[application]

    def past(self, application: str, channel: str) -> list[bytes]:
        return self.histories[application].messages(channel, self.wall())

    async def replay(self, client: LiveClient, channel: str, limit: int, entered: Callable[[], None]) -> None:
        past = self.past(client.application, channel)
        await self.enter(
            client, channel, [Message(each, reply_to=PACK) for each in pack(past, limit)], entered
        )

    async def enter(
        self, client: LiveClient, channel: str, packs: Sequence[Message], entered: Callable[[], None]
    ) -> None:
        # No message can come in between, because here ``append`` neither waits nor fails.
        for each in packs:
            await self.append(client.application, Address.client(client.id), each)
        entered()

    async def publish(self, publications: Sequence[Publication]) -> list[int]:
        # All or none are published, because here ``append`` neither waits nor fails.
        now = self.wall()
        self.publications.check(publications, now)
        ids: list[int] = []
        for each in publications:
            position = self.publications.position(each)
            if position is None:
                position = await self.append(each.application, each.address, each.message)
                if row := each.stored(position, now):
                    self.publications.add(row)
            ids.append(position)
        return ids

    def handled(self, client: LiveClient, number: int) -> None:
        """Does nothing: steps are not stored."""

    def open(self, application: str) -> Outbox:
        _ = self.logs[application]  # makes the log, so that metrics have it before the first message
        return Outbox(self.bounds)

    def add(self, client: LiveClient) -> None:
        self.database.save(client)

    def changed(self, client: LiveClient) -> None:
        self.database.save(client)

    def identified(self, client: LiveClient) -> None:
        """Does nothing: users are not stored."""

    def data_requested(self, client: LiveClient) -> None:
        # ``client.record()`` is called only when the record is written, so it has the change that follows.
        self.database.save(client)

    def accept(self, client: LiveClient, items: Sequence[Item], then: Then) -> None:
        then(None)

    def subscribed(self, client: LiveClient, channel: str) -> None:
        """Does nothing: memberships are not stored."""

    def unsubscribed(self, client: LiveClient, channel: str) -> None:
        """Does nothing: memberships are not stored."""

    def is_rolled_back(self, application: str, cursor: int) -> bool:
        return False

    @property
    def keeps_cursors(self) -> bool:
        return type(self).acknowledged is not Queue.acknowledged

    def acknowledged(self, client: LiveClient) -> None:
        """Does nothing: cursors are not stored."""

    def close(self, client: LiveClient, then: Then, evicted: Gone | None = None) -> None:
        if client.greeted:
            self.database.save(client)
        then(None)
