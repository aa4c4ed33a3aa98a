"""Counts the clients and their queued messages without blocking the event loop."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from thywill.hub.client import LiveClient

COUNTED_PER_TURN = 1000
"""How many clients are counted in one turn of the loop; that takes half a millisecond."""
CACHED_FOR = 0.9
"""For how many seconds a count is used again, so that several visitors cause one count."""

Kind = tuple[str, str, str]
"""An application, a state and a transport."""


@dataclass(slots=True)
class QueueTotals:
    """The totals of all queues of one application's clients.

    Args:
        messages: the messages in all queues.
        size: the size of these messages in bytes.
        most_messages: the messages in the fullest queue.
        most_size: the bytes in the largest queue.
    """

    messages: int = 0
    size: int = 0
    most_messages: int = 0
    most_size: int = 0

    def add(self, messages: int, size: int) -> None:
        """Add one queue, with its number of messages and their size in bytes."""
        self.messages += messages
        self.size += size
        if messages > self.most_messages:
            self.most_messages = messages
        if size > self.most_size:
            self.most_size = size


@dataclass(slots=True)
class Count:
    """The result of a count: clients by kind, and queues by application."""

    clients: defaultdict[Kind, int] = field(default_factory=lambda: defaultdict(int))
    waiting: defaultdict[str, QueueTotals] = field(default_factory=lambda: defaultdict(QueueTotals))

    def add(self, clients: Iterable[LiveClient]) -> None:
        """Add ``clients``."""
        kinds, waiting = self.clients, self.waiting
        for client in clients:
            kinds[client.application, client.state.value, client.transport] += 1
            outbox = client.outbox
            if outbox.entries:
                waiting[client.application].add(len(outbox), outbox.size)


class Census:
    """Counts the clients when somebody asks, a slice in each turn of the loop.

    Counters that are kept up to date would need code in a dozen places, and run on every poll. A census costs
    nothing while nobody asks, and several visitors who ask at the same time share one count.

    Args:
        clients: the clients by id.
    """

    def __init__(self, clients: Mapping[str, LiveClient]) -> None:
        self._clients = clients
        self._task: asyncio.Task[Count] | None = None
        self._begun = 0.0

    async def take(self) -> Count:
        """Return a count that is at most ``CACHED_FOR`` seconds old."""
        now = time.monotonic()
        if self._task is None or now - self._begun > CACHED_FOR:
            self._begun = now
            self._task = asyncio.create_task(self._walk())
        return await asyncio.shield(self._task)

    async def _walk(self) -> Count:
        count, clients = Count(), list(self._clients.values())
        for first in range(0, len(clients), COUNTED_PER_TURN):
            count.add(clients[first : first + COUNTED_PER_TURN])
            await asyncio.sleep(0)
        return count
