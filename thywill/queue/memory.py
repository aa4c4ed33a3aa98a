"""A queue that lives as long as the process."""

from __future__ import annotations

from collections import defaultdict
from itertools import count

from thywill.core.message import Address, Message
from thywill.core.outbox import Entry
from thywill.database.base import Database
from thywill.hub.delivery import Delivery
from thywill.queue.base import Queue, QueueSettings


class MemoryQueue(Queue):
    """Numbers messages and keeps none: the clients' queues hold what they have not acknowledged."""

    def __init__(self, settings: QueueSettings, database: Database, receivers: Delivery) -> None:
        super().__init__(settings, database, receivers)
        self._ids: dict[str, count[int]] = defaultdict(lambda: count(1))

    async def append(self, application: str, address: Address, message: Message) -> int:
        message_id = next(self._ids[application])
        self.deliver(application, address, Entry(message_id, *message))
        return message_id
