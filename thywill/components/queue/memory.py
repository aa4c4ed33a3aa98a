"""A queue that lives as long as the process."""

from __future__ import annotations

from collections import defaultdict
from itertools import count

from thywill.components.queue.base import Deliver, Queue, QueueSettings
from thywill.contracts import Address
from thywill.core.outbox import Entry


class MemoryQueue(Queue):
    """Numbers messages and keeps none: the clients' queues hold what they have not acknowledged."""

    def __init__(self, settings: QueueSettings, deliver: Deliver) -> None:
        super().__init__(settings, deliver)
        self._ids: dict[str, count[int]] = defaultdict(lambda: count(1))

    async def append(
        self, application: str, address: Address, data: bytes, reply_to: int | None = None
    ) -> int:
        message_id = next(self._ids[application])
        self.deliver(application, address, Entry(message_id, data, reply_to))
        return message_id
