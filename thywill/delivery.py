"""From the message log into the queues of the clients, and out to the requests that wait for them."""

from __future__ import annotations

import logging
from collections.abc import Callable

from thywill.audience import Audience
from thywill.client import LiveClient
from thywill.contracts import Address
from thywill.core.outbox import Entry, Full

log = logging.getLogger(__name__)

SLICE = 500
"""How many clients are answered in one turn of the loop; the others wait behind new requests."""


class Delivery:
    """Puts each message into the queues of those it is for.

    Args:
        audience: who is there.
        call_soon: runs a function in the next turn of the loop.
        disconnect: ends a client, which is told the reason.
    """

    def __init__(
        self,
        audience: Audience,
        call_soon: Callable[[Callable[[], None]], object],
        disconnect: Callable[[LiveClient, str], None],
    ) -> None:
        self._audience = audience
        self._call_soon = call_soon
        self._disconnect = disconnect
        self._ready: list[LiveClient] = []

    def deliver(self, application: str, address: Address, entry: Entry) -> None:
        """Put ``entry`` into the queues of those it is for; parked requests are answered in the next turn.

        Not at once: what an application sends in one turn then travels in one answer.
        """
        was_empty = not self._ready
        for client in self._audience.addressed(application, address):
            self._enqueue(client, entry)
        if was_empty and self._ready:
            self._call_soon(self._flush)

    def _enqueue(self, client: LiveClient, entry: Entry) -> None:
        try:
            dropped = client.outbox.append(entry)
        except Full:
            log.warning("%s is disconnected: its queue is full", client.id)
            self._disconnect(client, "the queue is full: this page read too slowly")
            return
        if dropped:
            log.warning("%s: its queue is full, %d of the oldest messages dropped", client.id, dropped)
        if client.receiver is not None and not client.waiting:
            client.waiting = True
            self._ready.append(client)

    def _flush(self) -> None:
        ready, self._ready = self._ready[:SLICE], self._ready[SLICE:]
        if self._ready:
            self._call_soon(self._flush)
        for client in ready:
            client.waiting = False
            if client.receiver is not None and client.outbox.entries:
                guarded(client, client.receiver.flush)


def guarded(client: LiveClient, step: Callable[[], None]) -> None:
    """Answer ``client`` by ``step``; what its connection raises must not keep others of this turn waiting."""
    try:
        step()
    except Exception:
        log.exception("%s could not be answered", client.id)
