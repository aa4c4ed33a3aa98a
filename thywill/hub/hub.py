"""The live clients of this process: ties applications, queues and pushes together, and owns their timers.

Everything here runs on the event loop and never waits, but for the queue's promise that a message is safe.
"""

from __future__ import annotations

import hmac
import logging
import random
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from thywill.core.envelope import Item, encode_data
from thywill.core.inbox import Inbox
from thywill.core.lifecycle import Event, State, advance
from thywill.core.message import Message
from thywill.core.overflow import Overflow
from thywill.core.recent import Recent
from thywill.core.signing import Signer
from thywill.core.wheel import TimerWheel
from thywill.errors import BadToken, Draining, Gone, RequestError, TooMany
from thywill.hub.audience import Audience
from thywill.hub.client import LiveClient, Receiver
from thywill.hub.contracts import Address, Answer, Listener, MessageQueue, Records, Restored, Timing
from thywill.hub.delivery import Delivery, guarded
from thywill.hub.meter import Meter
from thywill.hub.names import Names
from thywill.hub.step import CONNECTED

log = logging.getLogger(__name__)

PURPOSE = "client"
SLICE = 200
"""How many clients whose time has passed are dealt with in one turn of the loop."""

EVICTED = 1000
"""Of how many clients that were disconnected the reason is kept."""


class Hub:
    """Every client that is alive here.

    Args:
        queue: the message log.
        records: where client records are kept.
        signer: makes and checks tokens.
        timing: the times of a client's life.
        call_soon: runs a function in the next turn of the loop.
        meter: counts what passes.
        monotonic, wall: the two clocks: leases and deadlines use the first, records and tokens the second.
    """

    def __init__(
        self,
        queue: MessageQueue,
        records: Records,
        signer: Signer,
        timing: Timing,
        *,
        call_soon: Callable[[Callable[[], None]], object],
        meter: Meter | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.timing = timing
        self.audience = Audience()
        self.clients = self.audience.clients
        self.meter = meter or Meter(monotonic=monotonic)
        self.delivery = Delivery(self.audience, call_soon, self.disconnect, self.meter)
        self._listener: Listener | None = None
        self._queue = queue
        self._records = records
        self._names = Names()
        self._signer = signer
        self._call_soon = call_soon
        self._monotonic = monotonic
        self._wall = wall
        self._wheel: TimerWheel[LiveClient] = TimerWheel(timing.tick, monotonic())
        self._due: list[LiveClient] = []
        self._evicted: Recent[str, str] = Recent(EVICTED)
        self._drain_seconds: float | None = None

    def listen(self, listener: Listener) -> None:
        """Tell ``listener`` of what the clients do."""
        self._listener = listener

    def create(self, application: str, session: str) -> LiveClient:
        """Return a new client, detached until its first poll.

        It has no record before that: whoever only fetches pages costs the database nothing.

        Raises:
            Draining: the server is about to stop.
            TooMany: there are as many clients as the settings allow.
        """
        if self.draining:
            raise Draining("the server is about to stop", retry=2)
        if len(self.clients) >= self.timing.clients:
            raise TooMany("the server has as many clients as it may have", retry=10)
        now = self._wall()
        client_id = self._names.next()
        client = LiveClient(client_id, application, session, self._queue.open(application), Inbox(), now)
        client.token = self._signer.sign(PURPOSE, client_id, now + self.timing.token)
        self.audience.add(client)
        self._schedule(client, self.timing.grace)
        return client

    def restore(self, restored: Restored) -> LiveClient:
        """Take a client back that was kept over a restart: its grace begins anew, its hooks come later."""
        client = restored.client(self._wall())
        if not restored.gone:
            self.audience.add(client)
            self._schedule(client, self.timing.grace)
            self._records.save(client)
        for channel in restored.channels:
            self.audience.subscribe(client, channel)
        if restored.evicted is not None:
            self._evicted.put(client.id, restored.evicted)
        return client

    def find(self, token: str) -> LiveClient:
        """Return the client that ``token`` was given to.

        The signature is checked for clients that are not here only: a token that equals the one a client
        holds needs no other proof.

        Raises:
            BadToken: it is forged, cut or expired.
            Gone: it is good, but its client is gone.
        """
        if not token.isascii():
            raise BadToken("the token is none of this server's")
        client = self.clients.get(client_id := token.partition(".")[0])
        if client is not None and hmac.compare_digest(client.token, token):
            return client
        self._signer.verify(PURPOSE, token, self._wall())
        if client is not None:
            client.token = token  # given out before the server was restarted
            return client
        raise Gone(self._evicted.get(client_id, "this client has left, or its grace time has passed"))

    def locate(self, client: LiveClient, address: str, transport: str) -> None:
        """Note where ``client`` speaks from, and by which transport."""
        if client.address != address or client.transport != transport:
            if client.address not in ("", address):
                log.debug("%s: from another address", client)
            self.meter.moved(client)
            client.address, client.transport = address, transport
            self._records.save(client)

    def poll(self, client: LiveClient, receiver: Receiver, cursor: int, hold: float) -> None:
        """Give ``receiver`` what waits after ``cursor``, or park it for ``hold`` seconds.

        The newest poll wins: an older one is answered at once.

        Raises:
            Malformed: the cursor was never given out.
        """
        outbox = client.outbox
        if outbox.is_stale(cursor):
            receiver.supersede()
            return
        self.acknowledge(client, cursor)
        older, client.receiver = client.receiver, receiver
        self._heard(client)
        if outbox.entries:
            receiver.flush()
        elif self._drain_seconds is not None:
            receiver.retry(self._spread())
        elif hold == 0:
            # The answer says that the client is here, whatever happens to the server then.
            self._wheel.schedule(client, self._monotonic() + self.timing.hold)
            self._queue.accept(client, (), partial(self._expire, client, receiver))
        else:
            self._wheel.schedule(client, self._monotonic() + hold)
        # Last, since its connection may hold the next poll already, which is then dealt with in here.
        if older is not None:
            older.supersede()

    def _expire(self, client: LiveClient, receiver: Receiver, _error: RequestError | None) -> None:
        if client.receiver is receiver:
            receiver.expire()

    def attach(self, client: LiveClient, receiver: Receiver, cursor: int) -> None:
        """Let ``receiver`` stay, and tell it of every message until it releases the client or a newer comes.

        What waits after ``cursor`` already it asks for itself.

        Raises:
            Malformed: the cursor was never given out.
        """
        if client.outbox.is_stale(cursor):
            receiver.supersede()
            return
        self.acknowledge(client, cursor)
        older, client.receiver = client.receiver, receiver
        self._heard(client)
        self._schedule(client, self.timing.hold)
        if self._drain_seconds is not None:
            receiver.retry(self._spread())
        if older is not None:
            older.supersede()

    def acknowledge(self, client: LiveClient, cursor: int) -> None:
        """The browser has processed all up to ``cursor``; one that was overtaken changes nothing.

        Raises:
            Malformed: the cursor was never given out.
        """
        if cursor > client.outbox.cursor:
            client.outbox.acknowledge(cursor)
            self._queue.acknowledged(client)

    def release(self, client: LiveClient) -> None:
        """The client's request is answered or closed: its browser has a while to come back."""
        client.receiver = None
        self._wheel.schedule(client, self._monotonic() + self.timing.pause)

    def receive(self, client: LiveClient, items: Sequence[Item], answer: Answer) -> None:
        """Accept numbered messages; ``answer`` once they are safe, which may be at once.

        Raises:
            Gap: a number is missing.
            TooMany: too many messages of this client wait for the application already.
        """
        inbox = client.inbox
        fresh = inbox.accept(items, self.timing.pending - client.pending)
        if not fresh and items and items[-1].n > inbox.received:
            raise TooMany("the application has not handled the earlier messages yet", retry=1)
        self._heard(client)
        if client.receiver is None:
            self._wheel.schedule(client, self._monotonic() + self.timing.pause)
        client.pending += len(fresh)
        self._queue.accept(client, fresh, partial(self._accepted, client, fresh, inbox.received, answer))

    def _accepted(
        self,
        client: LiveClient,
        fresh: Sequence[Item],
        received: int,
        answer: Answer,
        error: RequestError | None,
    ) -> None:
        if fresh and error is not None:
            client.pending -= len(fresh)
            client.inbox.refuse(fresh[0].n)
        elif fresh and self._listener is not None:
            self.meter.received(client.application, len(fresh))
            self._listener.received(client, fresh)
        answer(received, error)

    def handled(self, client: LiveClient, number: int) -> None:
        """The application has done with a step of ``client``: a message by its number, or see ``cause``."""
        if number > CONNECTED:
            client.pending -= 1
        self._queue.handled(client, number)

    def leave(self, client: LiveClient) -> None:
        """The browser said that it goes."""
        self._end(client, Event.LEAVE, Gone("the page has left"))

    def disconnect(self, client: LiveClient, reason: str) -> None:
        """End ``client`` from this side; its browser is told ``reason``."""
        if client.state is not State.GONE:
            self._evicted.put(client.id, reason)
            client.inbox.refuse(client.begun + 1)  # what it sent and no hook has begun with is dropped
            self._end(client, Event.EVICT, Gone(reason))

    def touch(self, client: LiveClient) -> None:
        """Its application asks for the ``data`` of ``client``, and may change it."""
        self._records.save(client)
        self._queue.touched(client)

    def _heard(self, client: LiveClient) -> None:
        if client.state is not State.CONNECTED:
            client.state = advance(client.state, Event.ATTACH)
            client.seen = self._wall()
            self._records.save(client)
        else:
            self._refresh(client)
        if not client.greeted:
            client.greeted = True
            log.info("%s connects to %s from %s", client, client.application, client.address)
            self._queue.keep(client)
            if self._listener is not None:
                self._listener.connected(client)

    def _end(self, client: LiveClient, event: Event, reason: Gone) -> None:
        client.state = advance(client.state, event)
        client.seen = self._wall()
        self.audience.remove(client)
        self._wheel.cancel(client)
        client.outbox.entries.clear()
        if client.greeted:
            self._records.save(client)
            log.info("%s of %s is gone: %s", client, client.application, reason)
        self._queue.close(client, partial(self._closed, client), reason if event is Event.EVICT else None)
        receiver, client.receiver = client.receiver, None
        if receiver is not None:
            receiver.end(reason)

    def _closed(self, client: LiveClient, error: RequestError | None) -> None:
        if client.greeted and self._listener is not None:
            self._listener.disconnected(client)

    async def send(
        self,
        application: str,
        address: Address,
        data: Any,
        limit: int,
        key: str | None = None,
        overflow: Overflow | None = None,
    ) -> None:
        """Send ``data`` (JSON, ``limit`` bytes at the most); returns when the queue has made it safe.

        Raises:
            UnsendableMessage: it is not JSON, or too large, or has a bad key.
        """
        keyed = None if key is None else address.keyed(key)
        message = Message(encode_data(data, limit), key=keyed, overflow=overflow)
        await self._queue.append(application, address, message)

    async def reply(self, client: LiveClient, outcome: bytes, number: int) -> None:
        """Send the encoded ``outcome`` of the client's message ``number`` to it alone."""
        message = Message(outcome, reply_to=number)
        await self._queue.append(client.application, Address.client(client.id), message)

    def subscribe(self, client: LiveClient, channel: str) -> None:
        """Put ``client`` into ``channel`` of its application; one that is gone is in none."""
        if client.state is not State.GONE:
            self.audience.subscribe(client, channel)
            self._queue.subscribed(client, channel)

    def unsubscribe(self, client: LiveClient, channel: str) -> None:
        """Take ``client`` out of ``channel``."""
        self.audience.unsubscribe(client, channel)
        self._queue.unsubscribed(client, channel)

    def tick(self) -> None:
        """Act on every deadline that has passed; called once a ``timing.tick``."""
        idle = not self._due
        self._due += self._wheel.advance(self._monotonic())
        if idle and self._due:
            self._handle_due()

    def _handle_due(self) -> None:
        due, self._due = self._due[:SLICE], self._due[SLICE:]
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
                self._schedule(client, self.timing.hold)
        elif client.state is State.CONNECTED:
            client.state = advance(client.state, Event.MISS)
            self._records.save(client)
            self._schedule(client, self.timing.grace - self.timing.pause)
        else:
            self._end(client, Event.EXPIRE, Gone("its grace time has passed"))

    def _refresh(self, client: LiveClient) -> None:
        client.seen = self._wall()
        if abs(client.seen - client.saved) >= self.timing.record:  # the clock may be set back
            client.saved = client.seen
            self._records.save(client)

    def _schedule(self, client: LiveClient, seconds: float) -> None:
        self._wheel.schedule(client, self._monotonic() + max(seconds, 0))

    def drain(self, seconds: float) -> None:
        """Send every browser away, to come back spread over ``seconds``."""
        self._drain_seconds = seconds
        for client in list(self.clients.values()):
            guarded(client, partial(self._send_away, client))

    def _send_away(self, client: LiveClient) -> None:
        if client.receiver is not None and client.outbox.entries:
            client.receiver.flush()
        if client.receiver is not None:
            client.receiver.retry(self._spread())

    @property
    def draining(self) -> bool:
        """Whether the server is about to stop."""
        return self._drain_seconds is not None

    def _spread(self) -> float:
        return 1 + random.uniform(0, self._drain_seconds or 0)  # noqa: S311 - spreads load, guards nothing
