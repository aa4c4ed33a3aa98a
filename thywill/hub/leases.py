"""The states and deadlines of clients, from their creation to their end.

A client always has exactly one deadline, which depends on its browser:

    created, restored          grace   ──▶ gone
    a request is parked        hold    ──▶ the request is answered without messages
    a request was answered     pause   ──▶ detached, then the rest of grace ──▶ gone

For example, with hold 25, pause 5 and grace 60 a browser that dies while its poll is parked has the poll
answered after 25 s, counts as detached after 30 s, and is gone after 85 s.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from thywill.core.lifecycle import Event, State, advance
from thywill.core.wheel import TimerWheel
from thywill.errors import Gone, RequestError
from thywill.hub.admission import Admission
from thywill.hub.client import LiveClient, guarded
from thywill.hub.directory import WENT_BACK, Directory
from thywill.hub.ports import Listener, MessageQueue
from thywill.hub.restored import Restored

log = logging.getLogger("thywill.hub")

HANDLED_PER_TURN = 200
"""How many passed deadlines are handled in one turn of the loop."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The times of a client's life, in seconds, and two limits.

    Args:
        hold: how long a poll is parked at most.
        grace: how long a client without a request is kept.
        pause: how long a browser may be without a request before it counts as detached.
        token: how long a token is valid if the server does not know its client.
        pending: how many messages of one client may wait for the application's hooks.
        clients: how many clients the server may have.
        record: how often a record is saved if only its ``seen`` has changed.
        tick: the precision of all these times.
    """

    hold: float = 25.0
    grace: float = 60.0
    pause: float = 5.0
    token: float = 30 * 24 * 3600.0
    pending: int = 200
    clients: int = 100_000
    record: float = 60.0
    tick: float = 0.5


class Leases:
    """The states and the deadlines of all clients, in one timer wheel.

    Args:
        timing: the times of a client's life.
        directory: finds clients.
        admission: counts clients.
        queue, listener: are told of the beginning, the changes and the end of each client.
        call_soon: runs a function in the next turn of the loop.
        monotonic, wall: the two clocks. Deadlines use the first, records the second.
    """

    def __init__(
        self,
        timing: Timing,
        directory: Directory,
        admission: Admission,
        queue: MessageQueue,
        listener: Listener,
        call_soon: Callable[[Callable[[], None]], object],
        monotonic: Callable[[], float],
        wall: Callable[[], float],
    ) -> None:
        self._timing = timing
        self._directory = directory
        self._admission = admission
        self._queue = queue
        self._listener = listener
        self._call_soon = call_soon
        self._monotonic = monotonic
        self._wall = wall
        self._wheel: TimerWheel[LiveClient] = TimerWheel(timing.tick, monotonic())
        self._due: list[LiveClient] = []
        self._restored: list[tuple[Restored, LiveClient]] = []

    # Deadlines.

    def grace(self, client: LiveClient) -> None:
        """Give ``client`` the grace time: it has not polled yet, or not since the server was restarted."""
        self._schedule(client, self._timing.grace)

    def hold(self, client: LiveClient, seconds: float) -> None:
        """Set the deadline of ``client``: its request is parked for at most ``seconds``."""
        self._schedule(client, seconds)

    def pause(self, client: LiveClient) -> None:
        """Set the deadline of ``client`` between two polls: no request of it is here."""
        self._schedule(client, self._timing.pause)

    def release(self, client: LiveClient) -> None:
        """The client's request was answered or has closed: its browser has to return within the pause."""
        client.receiver = None
        self._schedule(client, self._timing.pause)

    def _schedule(self, client: LiveClient, seconds: float) -> None:
        deadline, slot = self._monotonic() + seconds, client.slot
        if slot is not None and deadline >= (slot - 1) * self._timing.tick:
            # The wheel visits the client before the deadline and moves it then. Every poll and answer comes
            # here.
            client.deadline = deadline
        else:
            self._wheel.schedule(client, deadline)

    def tick(self) -> None:
        """Act on every deadline that has passed; called every ``timing.tick`` seconds."""
        idle = not self._due
        self._due += self._wheel.advance(self._monotonic())
        if idle and self._due:
            self._handle_due()

    def _handle_due(self) -> None:
        due, self._due = self._due[:HANDLED_PER_TURN], self._due[HANDLED_PER_TURN:]
        if self._due:
            self._call_soon(self._handle_due)
        for client in due:
            if client.slot is None and client.state is not State.GONE:
                guarded(client, partial(self._overdue, client))

    def _overdue(self, client: LiveClient) -> None:
        receiver = client.receiver
        if receiver is not None:
            self._refresh(client)
            receiver.expire()
            if client.receiver is receiver:
                self.hold(client, self._timing.hold)
        elif client.state is State.CONNECTED:
            client.state = advance(client.state, Event.MISS)
            self._queue.changed(client)
            # The pause counts towards the grace time.
            self.hold(client, max(self._timing.grace - self._timing.pause, 0))
        elif client.greeted and self._queue.ends_clients:
            self.hold(client, self._timing.grace)
        else:
            self.end(client, Event.EXPIRE, Gone("its grace time has passed"))

    # States.

    def renew(self, client: LiveClient) -> None:
        """A poll, a stream or a send of ``client`` has arrived; the first one connects the client."""
        if client.state is State.CONNECTED:
            self._refresh(client)
            return
        client.state = advance(client.state, Event.ATTACH)
        client.seen = self._wall()
        if client.greeted:
            self._queue.changed(client)
            return
        client.greeted = True
        self._admission.polled(client)
        log.info("%s connects to %s from %s", client, client.application, client.address)
        self._queue.add(client)
        self._listener.connected(client)

    def _refresh(self, client: LiveClient) -> None:
        client.seen = self._wall()
        if abs(client.seen - client.saved) >= self._timing.record:  # the clock may be set back
            client.saved = client.seen
            self._queue.changed(client)

    def evict(self, client: LiveClient, reason: str) -> None:
        """End ``client``, and remember the reason for its browser's later requests."""
        if client.state is not State.GONE:
            self._directory.evict(client.id, reason)
            client.inbox.refuse(client.begun + 1)  # drops the messages whose hook has not begun
            self.end(client, Event.EVICT, Gone(reason))

    def end_if_rolled_back(self, client: LiveClient, cursor: int) -> None:
        """End ``client`` if the database was rolled back and has lost the message with the id ``cursor``.

        Raises:
            Gone: the client was ended for that reason.
        """
        if self._queue.is_rolled_back(client.application, cursor):
            log.warning(
                "%s has messages that the database has lost, because it was replaced by an older one", client
            )
            self.evict(client, WENT_BACK)
            raise Gone(WENT_BACK, reconnect=True)

    def end(self, client: LiveClient, event: Event, reason: Gone) -> None:
        """End ``client``, and answer its waiting request with ``reason``.

        Raises:
            Gone: the client has ended before.
        """
        self._remove(client, event, reason)
        self._queue.close(client, partial(self._closed, client), reason if event is Event.EVICT else None)
        receiver, client.receiver = client.receiver, None
        if receiver is not None:
            receiver.end(reason)

    def _remove(self, client: LiveClient, event: Event, reason: Gone) -> None:
        client.state = advance(client.state, event)
        client.seen = self._wall()
        self._directory.remove(client)
        self._admission.remove(client)
        self._wheel.cancel(client)
        client.outbox.entries.clear()
        if client.greeted:
            log.info("%s of %s is gone: %s", client, client.application, reason)

    def _closed(self, client: LiveClient, _error: RequestError | None) -> None:
        if client.greeted:
            self._listener.disconnected(client)

    # For servers that share a queue: the queue has already saved these changes.

    def adopt(self, client: LiveClient) -> None:
        """Add ``client``, which has come from another server."""
        self._directory.add(client)
        self._admission.add(client, client.address)
        if client.greeted:
            self._admission.polled(client)
        self.grace(client)

    def forget(self, client: LiveClient) -> None:
        """Forget ``client``, which is with another server now, and let its page repeat its request."""
        receiver, client.receiver = client.receiver, None
        client.state = State.GONE
        self._directory.remove(client)
        self._admission.remove(client)
        self._wheel.cancel(client)
        client.outbox.entries.clear()
        # Last: the connection may have read the next poll, which is then handled inside this call.
        if receiver is not None:
            receiver.supersede()

    def depart(self, client: LiveClient, reason: Gone) -> None:
        """Remove ``client``, which the queue has ended, and answer its waiting request with ``reason``."""
        self._remove(client, Event.EVICT, reason)
        receiver, client.receiver = client.receiver, None
        if receiver is not None:
            receiver.end(reason)

    # After a restart of the server.

    def restore(self, clients: Sequence[Restored]) -> None:
        """Restore the clients that the queue has stored. Their grace time begins anew."""
        for restored in clients:
            client = restored.client(self._wall())
            self._restored.append((restored, client))
            if not restored.gone:
                self._directory.add(client)
                self._admission.add(client, client.address)
                self._admission.polled(client)
                self.grace(client)
                self._queue.changed(client)
            for channel in restored.channels:
                self._directory.subscribe(client, channel)
            if restored.evicted is not None:
                self._directory.evict(client.id, restored.evicted)

    def resume(self) -> None:
        """Let the applications handle the unfinished steps of the restored clients; called when they run."""
        all_restored, self._restored = self._restored, []
        for restored, client in all_restored:
            report = self._listener.resumed if restored.has_connected else self._listener.connected
            report(client)
            if restored.items:
                self._listener.received(client, restored.items)
            if restored.gone:
                self._listener.disconnected(client)
