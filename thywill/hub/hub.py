"""The hub: every message between browsers and applications passes here, in both directions.

    browser  ─ receive ─▶ inbox ─▶ queue.accept ─▶ listener.received     the applications' hooks
    hooks    ─ append ──▶ queue ─▶ delivery.deliver ─▶ outbox            of each receiver
    outbox   ─▶ receiver.flush                                           the poll or the stream that is parked

Requests of browsers call this class; hooks call the one in ``actions.py``. Everything runs on the event loop.
In this room, ``room.py`` builds the parts, ``directory.py`` finds clients, ``leases.py`` has their states and
deadlines, ``delivery.py`` adds messages to outboxes, ``drain.py`` sends browsers away before a stop, and
``meter.py`` counts.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from hmac import compare_digest

from thywill.core import probe
from thywill.core.envelope import Item
from thywill.core.lifecycle import Event
from thywill.core.native import mypyc_attr
from thywill.core.user import NOBODY, Identity
from thywill.errors import Draining, Gone, Malformed, Probed, RequestError, TooMany
from thywill.hub.client import LiveClient, Receiver
from thywill.hub.parts import Parts
from thywill.hub.ports import Answer
from thywill.hub.rates import ClientRates
from thywill.hub.relay import Relay

log = logging.getLogger("thywill.hub")


@mypyc_attr(allow_interpreted_subclasses=True)
class Hub:
    """What browsers' requests call.

    ``release`` and ``written`` are methods of the hub's parts, without a method in between, because each
    request passes them.
    """

    def __init__(self, parts: Parts) -> None:
        self._timing = parts.timing
        self._directory = parts.directory
        self._clients: dict[str, LiveClient] = parts.directory.by_id
        self._admission = parts.admission
        self._leases = parts.leases
        self._queue = parts.queue
        self._keeps_cursors = parts.queue.keeps_cursors
        self._listener = parts.listener
        self._drain = parts.drain
        self._meter = parts.meter
        self._new_rates = parts.new_rates
        self._monotonic = parts.monotonic
        # Compiled code finds an attribute in a tenth of the time that a name of the module takes.
        self._are_equal: Callable[[str, str], bool] = compare_digest
        self.release = parts.leases.release
        self.written = parts.meter.written

    # Clients.

    def create(
        self, application: str, session: str, address: str = "", identity: Identity = NOBODY
    ) -> LiveClient:
        """Return a new client, detached until its first poll.

        The client has no record before that, so visitors who only fetch a page cost the database nothing.

        Raises:
            Draining: the server is about to stop.
            TooMany: there is no room for another client, or for another one of this address.
        """
        if self._drain.began:
            raise Draining("the server is about to stop", retry=2)
        self._admission.check(address)
        outbox = self._queue.open(application)
        client = self._directory.create(application, session, outbox, self._prefix(application))
        client.address = address
        self._directory.identify(client, identity)
        self._admission.add(client, address)
        self._meter.add(application)
        self._leases.grace(client)
        return client

    @property
    def relay(self) -> Relay | None:
        """Finds the server that can answer a request; None if there are no other servers."""
        return None

    def _prefix(self, application: str) -> str:
        """Return the prefix of the ids of new clients of ``application``."""
        return ""

    def find(self, token: str) -> LiveClient:
        """Return the client to which ``token`` was issued.

        If the token equals the one that the client has, no other proof is needed. Its signature is verified
        only if the client is not here, or has no token yet after a restart.

        Raises:
            BadToken: this server did not issue the token, or the token was changed or has expired.
            Gone: the token is valid, but its client is gone.
            Elsewhere: the client may be with another server.
        """
        client = self._clients.get(token[: token.find(".")])
        try:
            if client is not None and self._are_equal(client.token, token):
                return client
        except TypeError:
            pass  # the token is not ASCII
        return self._find_by_signature(token)

    def _find_by_signature(self, token: str) -> LiveClient:
        """Do the same as ``find`` if no client here has exactly this token."""
        return self._directory.verify(token)

    def find_anywhere(self, token: str) -> LiveClient:
        """Return the client, or a stand-in for one that may be with another server, to receive or leave."""
        return self.find(token)

    @property
    def grace(self) -> float:
        """How many seconds a client without a request is kept."""
        return self._timing.grace

    @property
    def draining(self) -> bool:
        """Whether the server is about to stop."""
        return self._drain.began

    def locate(self, client: LiveClient, address: str, transport: str) -> None:
        """Remember the address and the transport that ``client`` uses now."""
        if client.address != address or client.transport != transport:
            self._relocate(client, address, transport)

    def _relocate(self, client: LiveClient, address: str, transport: str) -> None:
        if client.address not in ("", address):
            log.debug("%s: from another address", client)
        self._meter.moved(client)
        client.address, client.transport = address, transport
        self._queue.changed(client)

    # To browsers.

    def poll(self, client: LiveClient, receiver: Receiver, cursor: int, hold: float) -> None:
        """Answer ``receiver`` with the messages after ``cursor``, or park it for ``hold`` seconds.

        The newest poll wins: an older one is answered at once.

        Raises:
            Malformed: no message was ever sent with the id ``cursor``.
            Gone: as for ``acknowledge``.
            TooMany: the client polls too often.
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
        self._leases.renew(client)
        if outbox.entries:
            receiver.flush()
        elif self._drain.began:
            receiver.retry(self._drain.wait())
        elif hold == 0:
            # The answer confirms that the client exists, so it waits until the queue has saved the client.
            self._leases.hold(client, self._timing.hold)
            self._queue.accept(client, (), partial(self._expire, client, receiver))
        else:
            self._leases.hold(client, hold)
        # Last: the older connection may have read the next poll, which is then handled inside this call.
        if older is not None:
            older.supersede()

    def _rates(self, client: LiveClient) -> ClientRates:
        if client.rates is None:
            client.rates = self._new_rates()
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
            Malformed, Gone, TooMany: as for ``poll``.
        """
        if client.outbox.is_stale(cursor):
            receiver.supersede()
            return
        if client.receiver is not None:
            self._count_poll(client)
        self.acknowledge(client, cursor)
        older, client.receiver = client.receiver, receiver
        self._leases.renew(client)
        self._leases.hold(client, self._timing.hold)
        if self._drain.began:
            receiver.retry(self._drain.wait())
        if older is not None:
            older.supersede()

    def acknowledge(self, client: LiveClient, cursor: int) -> None:
        """The browser has processed the messages up to ``cursor``. A cursor older than the last is ignored.

        Raises:
            Malformed: no message was ever sent with the id ``cursor``.
            Gone: the message ``cursor`` was sent, but the database has lost it, because it was rolled back to
                an older state; the client is ended.
            Elsewhere: the client may be with another server.
        """
        if cursor > client.outbox.cursor:
            try:
                client.outbox.acknowledge(cursor)
            except Malformed:
                self._never_sent(client, cursor)
                raise
            if self._keeps_cursors:
                self._queue.acknowledged(client)

    def _never_sent(self, client: LiveClient, cursor: int) -> None:
        """``client`` acknowledges ``cursor``, which this server has never sent."""
        self._leases.end_if_rolled_back(client, cursor)

    def refused(self, error: RequestError) -> None:
        """Count a request or frame that was refused with ``error`` only after its endpoint had returned."""
        self._meter.errors[probe.COUNTED if isinstance(error, Probed) else error.code] += 1

    @property
    def limited(self) -> Counter[str]:
        """The counter of refusals because of a limit, by the name of the setting."""
        return self._meter.limited

    # From browsers.

    def charge(self, client: LiveClient, size: int) -> None:
        """Count ``size`` bytes of messages before they are decoded; ``receive`` must not count them again.

        Raises:
            TooMany: the client sends too many bytes.
        """
        rates = client.rates or self._rates(client)
        if wait := rates.bytes.take(self._monotonic(), size):
            raise rates.refusal("send_bytes", wait)

    def receive(self, client: LiveClient, items: Sequence[Item], answer: Answer, size: int = 0) -> None:
        """Accept numbered messages, and call ``answer`` when they are safe, which may be at once.

        Args:
            client: the sender.
            items: the messages.
            answer: gets the number of the last accepted message, and the error if there was one.
            size: bytes of the messages, or 0 if ``charge`` has counted them.

        Raises:
            Gap: a number is missing.
            Conflict: a number was used before for another message.
            Malformed: the arguments of a call are not a list.
            TooMany: the client sends too fast, or the application has not handled its earlier messages.
        """
        self._count_sends(client, len(items), size)
        inbox = client.inbox
        fresh = inbox.accept(items, self._timing.pending - inbox.received + client.handled)
        if not fresh and items and items[-1].n > inbox.received:
            raise TooMany("the application has not handled the earlier messages yet", retry=1)
        self._leases.renew(client)
        if client.receiver is None:
            self._leases.pause(client)
        self._queue.accept(client, fresh, partial(self._accepted, client, fresh, inbox.received, answer))

    def _count_sends(self, client: LiveClient, count: int, size: int) -> None:
        rates, now = client.rates or self._rates(client), self._monotonic()
        if wait := rates.messages.take(now, count or 1):
            raise rates.refusal("sends", wait)
        if size and (wait := rates.bytes.take(now, size)):
            raise rates.refusal("send_bytes", wait)

    def _accepted(
        self,
        client: LiveClient,
        fresh: Sequence[Item],
        received: int,
        answer: Answer,
        error: RequestError | None,
    ) -> None:
        if fresh and error is not None:
            client.inbox.refuse(fresh[0].n)
        elif fresh:
            self._meter.applications[client.application].received += len(fresh)
            self._listener.received(client, fresh)
        answer(received, error)

    def leave(self, client: LiveClient) -> None:
        """The browser has said that it leaves."""
        self._leases.end(client, Event.LEAVE, Gone("the page has left"))
