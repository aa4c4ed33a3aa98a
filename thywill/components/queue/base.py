"""The contract of a queue."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import msgspec

from thywill.bootstrap import Configuration
from thywill.client import LiveClient
from thywill.components.component import Component
from thywill.contracts import Address
from thywill.core.outbox import Bounds, Entry, Outbox, Overflow

Positive = Annotated[int, msgspec.Meta(ge=1)]

Deliver = Callable[[str, Address, Entry], None]


@dataclass(frozen=True, slots=True)
class QueueSettings:
    """What every queue can be told.

    Args:
        message: how large one message may be, in bytes of JSON; either way.
        batch: how many messages one request or answer carries at most.
        messages, bytes: how much may wait for one client.
        overflow: what happens then: ``drop_oldest`` or ``disconnect``.
    """

    message: Positive = 64 * 1024
    batch: Positive = 100
    messages: Positive = 1000
    bytes: Positive = 1024 * 1024
    overflow: Overflow = Overflow.DROP_OLDEST


class Queue(Component):
    """One ordered message log per application.

    Ids are integers that grow, below 2**53. A message is handed to ``deliver`` once it is as safe as the
    queue makes it, in the order of the ids; ``append`` returns after that.

    Args:
        settings: the section ``[queue]``.
        deliver: puts a message into the queues of the clients that it is for.
    """

    Settings: ClassVar[type[Any]] = QueueSettings

    survives: ClassVar[bool] = False
    """Whether clients outlive a restart of the server."""

    def __init__(self, settings: QueueSettings, deliver: Deliver) -> None:
        self.settings = settings
        self.deliver = deliver
        self.bounds = Bounds(
            messages=settings.messages,
            size=settings.bytes,
            batch=settings.batch,
            batch_size=max(settings.message, settings.bytes // 4),
            overflow=settings.overflow,
        )

    def bootstrap(self, client: LiveClient, configuration: Configuration) -> None:
        """Tell the browser how much it may send at once."""
        configuration.connection["limits"] = {
            "message": self.settings.message,
            "messages": self.settings.batch,
        }

    def open(self, client_id: str) -> Outbox:
        """Return the queue of a new client."""
        return Outbox(self.bounds)

    async def append(
        self, application: str, address: Address, data: bytes, reply_to: int | None = None
    ) -> int:
        """Add a message of encoded JSON; return its id once it is safe and delivered."""
        raise NotImplementedError

    def acknowledged(self, client: LiveClient) -> None:
        """The browser of ``client`` has all up to ``client.outbox.cursor``."""

    def close(self, client: LiveClient) -> None:
        """``client`` is gone."""
