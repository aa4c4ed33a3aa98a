"""The hub: every message between browsers and applications passes here, in both directions.

    browser  ─ receive ─▶ inbox ─▶ queue.accept ─▶ listener.received     the applications' hooks
    hooks    ─ send ────▶ queue.append ─▶ delivery.deliver ─▶ outbox     of each receiver
    outbox   ─▶ receiver.flush                                           the poll or the stream that is parked

Everything runs on the event loop. Only ``send`` and ``reply`` wait, until the queue has made a message safe.
The other files of this room: ``directory.py`` finds clients, ``leases.py`` has their states and deadlines,
``delivery.py`` adds messages to outboxes, ``meter.py`` counts.
"""

from __future__ import annotations

import hmac
import logging
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from thywill.core import probe
from thywill.core.envelope import Item, encode_data
from thywill.core.lifecycle import Event, State
from thywill.core.message import Address, Message
from thywill.core.overflow import Overflow
from thywill.core.signing import Signer
from thywill.errors import Draining, Gone, Malformed, Probed, RequestError, TooMany
from thywill.hub.admission import Admission
from thywill.hub.client import LiveClient, Receiver, guarded
from thywill.hub.delivery import Delivery
from thywill.hub.directory import Directory
from thywill.hub.leases import Leases, Timing
from thywill.hub.meter import Meter
from thywill.hub.ports import Answer, Listener, MessageQueue
from thywill.hub.rates import ClientLimits, ClientRates
from thywill.hub.restored import Restored
from thywill.hub.step import CONNECTED

log = logging.getLogger("thywill.hub")

Connect = Callable[["Hub", Delivery], tuple[MessageQueue, Listener]]
"""Makes the queue, which delivers its messages through the ``Delivery``, and the applications.

Neither may call the hub before ``connect`` has returned, since the hub is not complete until then."""

WENT_BACK = (
    "this page has messages that the server has lost, because its database was replaced by an older one: "
    "connect again"
)


class Hub:
    """Every client that is alive in this process.

    Args:
        connect: makes the queue and the applications; called once, by the constructor.
        signer: makes and checks tokens.
        timing: the times of a client's life.
        call_soon: runs a function in the next turn of the loop.
        meter: counts what happens.
        monotonic, wall: the two clocks. Deadlines use the first; records and tokens the second.
    """

    def __init__(
        self,
        connect: Connect,
        signer: Signer,
        timing: Timing,
        *,
        call_soon: Callable[[Callable[[], None]], object],
        limits: ClientLimits | None = None,
        meter: Meter | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._timing = timing
        self._limits = limits or ClientLimits()
        self._wall = wall
        self._monotonic = monotonic
        self._meter = meter or Meter(monotonic=monotonic)
        self._admission = Admission(
            self._limits, timing.clients, self._meter.limited, self._make_room, monotonic
        )
        self._directory = Directory(signer, timing.token, wall)
        self._clients = self._directory.clients
        self._drain_seconds: float | None = None
        delivery = Delivery(self._directory, call_soon, self.disconnect, self._meter)
        self._queue, self._listener = connect(self, delivery)
        self._leases = Leases(
            timing,
            self._directory,
            self._admission,
            self._queue,
            self._listener,
            call_soon=call_soon,
            monotonic=monotonic,
            wall=wall,
        )
        # Two of the hub's methods are those of its parts, straight: each request passes them.
        self.release = self._leases.release
        self.written = self._meter.written

    # Who is there.

    def create(self, application: str, session: str, address: str = "") -> LiveClient:
        """Return a new client, detached until its first poll.

        It has no record before that, so that visitors who only fetch a page cost the database nothing.

        Raises:
            Draining: the server is about to stop.
            TooMany: there is no room for another client, or for another one of this address.
        """
        if self.draining:
            raise Draining("the server is about to stop", retry=2)
        self._admission.check(address)
        outbox = self._queue.open(application)
        client = self._directory.create(application, session, outbox)
        client.address = address
        self._admission.add(client, address)
        self._meter.add(application)
        self._leases.grace(client)
        return client

    def find(self, token: str) -> LiveClient:
        """Return the client that ``token`` was issued to.

        A token that equals the one its client has needs no other proof. Its signature is verified only where
        the client is not here, or has another token since a restart.

        Raises:
            BadToken: this server did not issue the token, or it was changed or has expired.
            Gone: the token is valid, but its client is gone.
        """
        client = self._clients.get(token.partition(".")[0])
        if client is not None and token.isascii() and hmac.compare_digest(client.token, token):
            return client
        return self._directory.verify(token)

    def _make_room(self, client: LiveClient) -> None:
        self._leases.end(client, Event.EXPIRE, Gone("it has not polled, and others needed its place"))

    @property
    def grace(self) -> float:
        """How many seconds a client without a request is kept."""
        return self._timing.grace

    @property
    def size(self) -> int:
        """How many clients are alive."""
        return len(self._directory)

    @property
    def clients(self) -> Mapping[str, LiveClient]:
        """The live clients by id, read-only."""
        return self._clients

    def clients_of(self, application: str, channel: str | None = None) -> Sequence[LiveClient]:
        """Return the clients in ``channel``, or all that have connected to ``application``."""
        if channel is not None:
            return self._directory.members(application, channel)
        return [client for client in self._directory.of_application(application) if client.greeted]

    def channels_of(self, client: LiveClient) -> list[str]:
        """Return the channels that ``client`` is in."""
        return self._directory.channels_of(client)

    @property
    def sessions(self) -> int:
        """How many browsers have a client here."""
        return self._directory.sessions

    @property
    def channels(self) -> int:
        """How many channels have a member."""
        return self._directory.channels

    def locate(self, client: LiveClient, address: str, transport: str) -> None:
        """Remember the address and the transport that ``client`` uses now."""
        if client.address != address or client.transport != transport:
            if client.address not in ("", address):
                log.debug("%s: from another address", client)
            self._meter.moved(client)
            client.address, client.transport = address, transport
            self._queue.changed(client)

    # To browsers.

    async def send(
        self,
        application: str,
        address: Address,
        data: Any,
        limit: int,
        key: str | None = None,
        overflow: Overflow | None = None,
    ) -> None:
        """Send ``data``, at most ``limit`` bytes of JSON. Return when the queue has made the message safe.

        Raises:
            UnsendableMessage: the data is not JSON or too large, or the key is not valid.
            Unavailable: the queue cannot make it safe now.
        """
        keyed = None if key is None else address.keyed(key)
        message = Message(encode_data(data, limit), key=keyed, overflow=overflow)
        await self._queue.append(application, address, message)

    async def reply(self, client: LiveClient, outcome: bytes, number: int) -> None:
        """Send the encoded ``outcome`` of the client's message ``number`` to it alone."""
        message = Message(outcome, reply_to=number)
        await self._queue.append(client.application, Address.client(client.id), message)

    def disconnect(self, client: LiveClient, reason: str) -> None:
        """End ``client`` with a reason for its browser."""
        self._leases.evict(client, reason)

    def subscribe(self, client: LiveClient, channel: str) -> None:
        """Put ``client`` into ``channel`` of its application. Nothing happens if it is gone."""
        if client.state is not State.GONE:
            self._directory.subscribe(client, channel)
            self._queue.subscribed(client, channel)

    def unsubscribe(self, client: LiveClient, channel: str) -> None:
        """Take ``client`` out of ``channel``."""
        self._directory.unsubscribe(client, channel)
        self._queue.unsubscribed(client, channel)

    def poll(self, client: LiveClient, receiver: Receiver, cursor: int, hold: float) -> None:
        """Answer ``receiver`` with what waits after ``cursor``, or park it for ``hold`` seconds.

        The newest poll wins: an older one is answered at once.

        Raises:
            Malformed: no message was ever sent with the id ``cursor``.
        """
        outbox = client.outbox
        is_stale = outbox.is_stale(cursor)
        if is_stale or client.receiver is not None or (hold == 0 and not outbox.entries):
            self._count_poll(client)
        if is_stale:
            receiver.supersede()
            return
        self.acknowledge(client, cursor)
        older, client.receiver = client.receiver, receiver
        self._leases.heard(client)
        if outbox.entries:
            receiver.flush()
        elif self._drain_seconds is not None:
            receiver.retry(self._spread())
        elif hold == 0:
            # The answer confirms that the client exists, so it waits until the queue has saved that.
            self._leases.hold(client, self._timing.hold)
            self._queue.accept(client, (), partial(self._expire, client, receiver))
        else:
            self._leases.hold(client, hold)
        # Last: the older connection may have the next poll already, which is then handled inside this call.
        if older is not None:
            older.supersede()

    def _rates(self, client: LiveClient) -> ClientRates:
        if client.rates is None:
            client.rates = ClientRates(self._limits, self._meter.limited)
        return client.rates

    def _count_poll(self, client: LiveClient) -> None:
        rates = self._rates(client)
        if wait := rates.polls.take(self._monotonic()):
            raise rates.refusal("polls", wait)

    def _expire(self, client: LiveClient, receiver: Receiver, _error: RequestError | None) -> None:
        if client.receiver is receiver:
            receiver.expire()

    def attach(self, client: LiveClient, receiver: Receiver, cursor: int) -> None:
        """Write every message to the stream ``receiver``, until it closes or a newer request comes.

        The stream itself asks the outbox for the messages that already wait after ``cursor``.

        Raises:
            Malformed: no message was ever sent with the id ``cursor``.
        """
        if client.outbox.is_stale(cursor):
            receiver.supersede()
            return
        if client.receiver is not None:
            self._count_poll(client)
        self.acknowledge(client, cursor)
        older, client.receiver = client.receiver, receiver
        self._leases.heard(client)
        self._leases.hold(client, self._timing.hold)
        if self._drain_seconds is not None:
            receiver.retry(self._spread())
        if older is not None:
            older.supersede()

    def acknowledge(self, client: LiveClient, cursor: int) -> None:
        """The browser has processed the messages up to ``cursor``. An older cursor than the last is ignored.

        Raises:
            Malformed: no message was ever sent with the id ``cursor``.
            Gone: one was, in a time that the database has lost; the client ends.
        """
        if cursor > client.outbox.cursor:
            try:
                client.outbox.acknowledge(cursor)
            except Malformed:
                self._end_if_from_a_lost_time(client, cursor)
                raise
            self._queue.acknowledged(client)

    def _end_if_from_a_lost_time(self, client: LiveClient, cursor: int) -> None:
        if self._queue.is_from_a_lost_time(client.application, cursor):
            log.warning(
                "%s: has messages that the database has lost: it was replaced by an older one", client
            )
            self.disconnect(client, WENT_BACK)
            raise Gone(WENT_BACK, reconnect=True)

    def refused(self, error: RequestError) -> None:
        """Count a request or frame that was refused with ``error`` after its endpoint had returned."""
        self._meter.errors[probe.COUNTED if isinstance(error, Probed) else error.code] += 1

    @property
    def limited(self) -> Counter[str]:
        """Counts what is refused because of a limit, by the name of its setting."""
        return self._meter.limited

    # From browsers.

    def receive(self, client: LiveClient, items: Sequence[Item], answer: Answer, size: int = 0) -> None:
        """Accept numbered messages, and call ``answer`` when they are safe, which may be at once.

        Raises:
            Gap: a number is missing.
            TooMany: the application is behind with the earlier messages of this client.
        """
        rates, now = client.rates or self._rates(client), self._monotonic()
        if wait := rates.messages.take(now, len(items) or 1):
            raise rates.refusal("sends", wait)
        if wait := rates.bytes.take(now, size):
            raise rates.refusal("send_bytes", wait)
        inbox = client.inbox
        fresh = inbox.accept(items, self._timing.pending - client.pending)
        if not fresh and items and items[-1].n > inbox.received:
            raise TooMany("the application has not handled the earlier messages yet", retry=1)
        self._leases.heard(client)
        if client.receiver is None:
            self._leases.pause(client)
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
        elif fresh:
            self._meter.applications[client.application].received += len(fresh)
            self._listener.received(client, fresh)
        answer(received, error)

    def take(self, client: LiveClient, name: str, count: int, per: float) -> float:
        """Take from a limit of the application's own; return 0.0, or the seconds until it would succeed."""
        return self._rates(client).take(name, count, per, self._monotonic())

    def handled(self, client: LiveClient, number: int) -> None:
        """The application has ended a step of ``client``; ``step.py`` explains the number."""
        if number > CONNECTED:
            client.pending -= 1
        if self._queue.durable:
            self._queue.handled(client, number)

    def touch(self, client: LiveClient) -> None:
        """The application reads ``client.data``, and may change it."""
        self._queue.data_requested(client)

    def leave(self, client: LiveClient) -> None:
        """The browser has said that it leaves."""
        self._leases.end(client, Event.LEAVE, Gone("the page has left"))

    # The server's start, its deadlines, and its stop.

    def restore(self, clients: Sequence[Restored]) -> None:
        """Restore the clients that the queue has stored; called before the first hook of an application."""
        self._leases.restore(clients)

    def resume(self) -> None:
        """The applications have started: let them handle the unfinished steps of the restored clients."""
        self._leases.resume()

    def tick(self) -> None:
        """Act on every deadline that has passed; called once a ``timing.tick``."""
        self._leases.tick()

    def drain(self, seconds: float) -> None:
        """Answer every browser to come back later, spread over ``seconds``."""
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
