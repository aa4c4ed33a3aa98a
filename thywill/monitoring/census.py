"""Counts the clients, and what waits for them, without holding up the loop."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from thywill.hub.client import LiveClient

SLICE = 1000
"""Clients that are looked at in one turn of the loop: half a millisecond."""
FRESH = 0.9
"""Seconds for which a count is given again: to several who ask at once."""

Kind = tuple[str, str, str]
"""An application, a state and a transport."""


@dataclass(slots=True)
class QueueTotals:
    """What waits in the queues of one application's clients: all together, and in the fullest."""

    messages: int = 0
    size: int = 0
    most_messages: int = 0
    most_size: int = 0

    def add(self, messages: int, size: int) -> None:
        """Count one queue."""
        self.messages += messages
        self.size += size
        if messages > self.most_messages:
            self.most_messages = messages
        if size > self.most_size:
            self.most_size = size


@dataclass(slots=True)
class Count:
    """What was counted."""

    clients: defaultdict[Kind, int] = field(default_factory=lambda: defaultdict(int))
    waiting: defaultdict[str, QueueTotals] = field(default_factory=lambda: defaultdict(QueueTotals))

    def add(self, clients: Iterable[LiveClient]) -> None:
        """Count ``clients``."""
        kinds, waiting = self.clients, self.waiting
        for client in clients:
            kinds[client.application, client.state.value, client.transport] += 1
            outbox = client.outbox
            if outbox.entries:
                waiting[client.application].add(len(outbox), outbox.size)


class Census:
    """Walks over the clients when somebody asks, a slice in each turn of the loop.

    Counting as they come and go would have to be done in a dozen places on every poll, and be right in each;
    this costs nothing while nobody asks, and one walk whoever asks at the same time.

    Args:
        clients: the clients by id.
    """

    def __init__(self, clients: Mapping[str, LiveClient]) -> None:
        self._clients = clients
        self._task: asyncio.Task[Count] | None = None
        self._begun = 0.0

    async def take(self) -> Count:
        """Return how many there are now, or were a moment ago."""
        now = time.monotonic()
        if self._task is None or now - self._begun > FRESH:
            self._begun = now
            self._task = asyncio.create_task(self._walk())
        return await asyncio.shield(self._task)

    async def _walk(self) -> Count:
        count, clients = Count(), list(self._clients.values())
        for first in range(0, len(clients), SLICE):
            count.add(clients[first : first + SLICE])
            await asyncio.sleep(0)
        return count
