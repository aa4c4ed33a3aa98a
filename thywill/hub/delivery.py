"""From the message log into the queues of the clients, and out to the requests that wait for them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial

from thywill.core.message import Address
from thywill.core.outbox import Entry, Full
from thywill.hub.client import LiveClient, guarded
from thywill.hub.directory import Directory
from thywill.hub.meter import Meter

log = logging.getLogger("thywill.hub")

SWEEP = 4_000
"""How many queues are looked into, and messages dropped from them, in one turn of the loop."""

SLOW = "the queue is full: this page read too slowly"
LATE = "the message log is full: this page read too slowly"


class Delivery:
    """Puts each message into the queues of those it is for.

    Args:
        directory: who is there.
        call_soon: runs a function in the next turn of the loop.
        disconnect: ends a client, which is told the reason.
        meter: counts what passes.
    """

    def __init__(
        self,
        directory: Directory,
        call_soon: Callable[[Callable[[], None]], object],
        disconnect: Callable[[LiveClient, str], None],
        meter: Meter,
    ) -> None:
        self._directory = directory
        self._call_soon = call_soon
        self._disconnect = disconnect
        self._meter = meter
        self._ready: list[LiveClient] = []
        self._sweeps: dict[str, tuple[list[LiveClient], int]] = {}

    def deliver(self, application: str, address: Address, entry: Entry) -> None:
        """Put ``entry`` into the queues of those it is for; parked requests are answered in the next turn.

        Not at once: what an application sends in one turn then travels in one answer.
        """
        was_empty = not self._ready
        receivers = self._directory.addressed(application, address)
        self._meter.sent(application, entry.id, receivers)
        for client in receivers:
            try:
                if dropped := client.outbox.append(entry):
                    self._dropped(client, entry, dropped)
            except Full:
                self._cut_off(client, "queue", SLOW)
            else:
                self._wake(client)
        if was_empty and self._ready:
            self._call_soon(self._flush)

    def clients(self, application: str) -> Sequence[LiveClient]:
        """Return the clients of ``application``."""
        return self._directory.of_application(application)

    def _wake(self, client: LiveClient) -> None:
        if client.receiver is not None and not client.waiting:
            client.waiting = True
            self._ready.append(client)

    def _cut_off(self, client: LiveClient, cause: str, reason: str) -> None:
        log.warning("%s is disconnected: %s", client, reason)
        self._meter.disconnected[cause] += 1
        self._disconnect(client, reason)

    def _dropped(self, client: LiveClient, entry: Entry, count: int) -> None:
        self._meter.dropped[(entry.overflow or client.outbox.bounds.overflow).value] += count
        if count == client.outbox.lost:  # not for each of them
            log.warning("%s: its queue is full, messages are dropped", client)

    def drop_up_to(self, application: str, up_to: int) -> None:
        """Drop every message up to that id from the queues of ``application``; their clients are told.

        It takes several turns of the loop where there are many clients. If it is asked again before it is
        done, it finishes at once: memory is bounded, whatever that costs.
        """
        is_late = application in self._sweeps
        self._sweeps[application] = self._directory.of_application(application), up_to
        self._sweep(application)
        while is_late and application in self._sweeps:
            self._sweep(application)

    def _sweep(self, application: str) -> None:
        clients, up_to = self._sweeps.get(application, ([], 0))
        work, was_empty = 0, not self._ready
        while clients and work < SWEEP:
            work += 1 + self._clear(clients.pop(), up_to)
        if clients:
            self._call_soon(partial(self._sweep, application))
        else:
            self._sweeps.pop(application, None)
        if was_empty and self._ready:
            self._call_soon(self._flush)

    def _clear(self, client: LiveClient, up_to: int) -> int:
        entries = client.outbox.entries
        if not entries or entries[0].id > up_to:
            return 0
        try:
            dropped = client.outbox.drop_up_to(up_to)
        except Full:
            self._cut_off(client, "log", LATE)
            return 0
        self._meter.given_up += dropped
        self._wake(client)
        return dropped

    def _flush(self) -> None:
        # All in one turn, some 100 ms for 10,000: between two turns the next polls of those who were answered
        # would come in, which take longer than the answers, and the last of a broadcast would wait for them.
        ready, self._ready = self._ready, []
        for client in ready:
            client.waiting = False
            if client.receiver is not None and client.outbox.entries:
                guarded(client, client.receiver.flush)
