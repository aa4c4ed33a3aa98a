"""A queue in memory, which ends with the process."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Sequence

from thywill.core.envelope import Item
from thywill.core.message import Address, Message
from thywill.core.outbox import Outbox
from thywill.core.positions import begin
from thywill.database.base import Database
from thywill.hub.client import LiveClient
from thywill.hub.delivery import Delivery
from thywill.hub.ports import Then
from thywill.queue.base import Queue, QueueSettings


class MemoryQueue(Queue):
    """Assigns ids to messages but stores no message: the outboxes hold those that are not acknowledged."""

    def __init__(
        self,
        settings: QueueSettings,
        database: Database,
        receivers: Delivery,
        *,
        wall: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(settings, database, receivers, wall=wall)
        self._last: dict[str, int] = defaultdict(lambda: begin(wall(), 0) - 1)

    def open(self, application: str) -> Outbox:
        _ = self._last[application]  # the ids of the application begin at the time of its first client
        return super().open(application)

    async def append(self, application: str, address: Address, message: Message) -> int:
        self._last[application] = message_id = self._last[application] + 1
        if address.kind == "channel":
            self.record(application, address, message_id, message)
        self.receivers.deliver(application, address, message_id, message, self.logs[application])
        return message_id

    def accept(self, client: LiveClient, items: Sequence[Item], then: Then) -> None:
        then(None)

    def handled(self, client: LiveClient, number: int) -> None:
        """Does nothing: steps are not stored."""

    def is_rolled_back(self, application: str, cursor: int) -> bool:
        return cursor > self._last[application]
