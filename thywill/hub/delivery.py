"""Delivery: adds a message to the outboxes of its receivers, and answers their parked requests."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from thywill.core.log import NOBODY, Entry, LogBounds, MessageLog, Waiting
from thywill.core.message import Address, Message
from thywill.core.outbox import Full
from thywill.core.text import counted
from thywill.hub.client import LiveClient
from thywill.hub.directory import Directory
from thywill.hub.meter import Meter
from thywill.hub.moves import Moves

log = logging.getLogger("thywill.hub")

WORK_PER_TURN = 4_000
"""How many steps of work one turn of the loop does: each outbox visited and each message dropped is one."""

SLOW = "the queue is full: this page read too slowly"
LATE = "the message log is full: this page read too slowly"


class Delivery:
    """Adds each message to the outboxes of its receivers.

    Args:
        directory: finds the receivers.
        call_soon: runs a function in the next turn of the loop.
        moves: ends clients; a queue that several servers share also moves clients with it.
        meter: counts messages, drops and disconnected clients.

    ``discarded`` is called with a client, an id, and the messages up to this id that the client has lost
    because the log was full.
    """

    def __init__(
        self,
        directory: Directory,
        call_soon: Callable[[Callable[[], None]], object],
        moves: Moves,
        meter: Meter,
    ) -> None:
        self._directory = directory
        self._clients = directory.clients
        self._call_soon = call_soon
        self.moves = moves
        self._meter = meter
        self.discarded: Callable[[LiveClient, int, Sequence[Waiting]], None] = lambda *_: None
        self._ready: list[LiveClient] = []
        self._sweeps: dict[str, tuple[list[LiveClient], int, LogBounds]] = {}

    def deliver(
        self, application: str, address: Address, message_id: int, message: Message, messages: MessageLog
    ) -> None:
        """Add a message to the outboxes of its receivers; parked requests are answered in the next turn.

        The answers wait for the next turn, so that all messages that an application sends in one turn travel
        in one answer.
        """
        was_empty = not self._ready
        receivers = self._receivers(application, address)
        if message.exclude is not None:
            receivers = [each for each in receivers if each.id != message.exclude]
        self._meter.sent(application, message_id, receivers)
        if self._meter.channels is not None and address.kind == "channel":
            self._meter.channels.add(application, address.name, len(receivers))
        entry = Entry(message_id, *message)
        messages.hold(entry)
        for client in receivers:
            try:
                if dropped := client.outbox.append(entry):
                    self._dropped(client, entry, dropped)
            except Full:
                self._disconnect(client, "queue", SLOW)
            else:
                if client.receiver is not None and not client.waiting:
                    client.waiting = True
                    self._ready.append(client)
        if was_empty and self._ready:
            self._call_soon(self._flush)
        if messages.is_over:
            self._relieve(application, messages)

    def _relieve(self, application: str, messages: MessageLog) -> None:
        """Drop the oldest messages if the log still exceeds its bounds."""
        excess = messages.excess()
        if excess is not None:
            up_to, count = excess
            log.warning(
                "the message log of %s is full: it drops the oldest, %s",
                application,
                counted(count, "message"),
            )
            clients = len(self._directory.of_application(application))
            self.drop_up_to(application, up_to, messages.fair_share(clients))

    def _receivers(self, application: str, address: Address) -> Sequence[LiveClient]:
        if address.kind == "channel":
            return self._directory.members(application, address.name)
        if address.kind == "session":
            return self._directory.of_session(application, address.name)
        if address.kind == "user":
            return self._directory.of_user(application, address.name)
        client = self._clients.get(address.name)
        return [client] if client is not None and client.application == application else []

    def clients(self, application: str) -> Sequence[LiveClient]:
        """Return the clients of ``application``."""
        return self._directory.of_application(application)

    def _disconnect(self, client: LiveClient, cause: str, reason: str) -> None:
        log.warning("%s is disconnected: %s", client, reason)
        self._meter.disconnected[cause] += 1
        self.moves.evict(client, reason)

    def _dropped(self, client: LiveClient, entry: Entry, count: int) -> None:
        self._meter.dropped[(entry.overflow or client.outbox.bounds.overflow).value] += count
        if count == client.outbox.lost:  # only at the first drop
            log.warning("%s: its queue is full, messages are dropped", client)

    def drop_up_to(self, application: str, up_to: int, spared: LogBounds = NOBODY) -> None:
        """Drop the messages up to the id ``up_to`` from the outboxes of ``application``.

        With many clients this takes several turns of the loop. If it is called again before it is done, it
        finishes at once, since the memory has to stay bounded.

        Args:
            application: the application's name.
            up_to: the id of the last message to drop.
            spared: outboxes that hold no more than this keep their messages.
        """
        is_late = application in self._sweeps
        self._sweeps[application] = self._directory.of_application(application), up_to, spared
        self._sweep(application)
        while is_late and application in self._sweeps:
            self._sweep(application)

    def _sweep(self, application: str) -> None:
        clients, up_to, spared = self._sweeps.get(application, ([], 0, NOBODY))
        work, was_empty = 0, not self._ready
        while clients and work < WORK_PER_TURN:
            work += 1 + self._clear(clients.pop(), up_to, spared)
        if clients:
            self._call_soon(partial(self._sweep, application))
        else:
            self._sweeps.pop(application, None)
        if was_empty and self._ready:
            self._call_soon(self._flush)

    def _clear(self, client: LiveClient, up_to: int, spared: LogBounds) -> int:
        entries = client.outbox.entries
        if not entries or entries[0].id > up_to:
            return 0
        if client.outbox.size <= spared.size and len(entries) <= spared.messages:
            return 0
        try:
            dropped = client.outbox.drop_up_to(up_to)
        except Full:
            self._disconnect(client, "log", LATE)
            return 0
        self._meter.given_up += len(dropped)
        self.discarded(client, up_to, dropped)
        if client.receiver is not None and not client.waiting:
            client.waiting = True
            self._ready.append(client)
        return len(dropped)

    def _flush(self) -> None:
        # All clients are answered in one turn, some 100 ms for 10,000 clients. Between two turns the next
        # polls of answered clients would be handled, which takes longer than the answers, and the last
        # receivers of a broadcast would wait for that.
        ready, self._ready = self._ready, []
        for client in ready:
            client.waiting = False
            if client.receiver is not None and client.outbox.entries:
                try:
                    client.receiver.flush()
                except Exception:
                    log.exception("%s could not be answered", client)
