"""A client as the durable queue has stored it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from thywill.core.envelope import Item
from thywill.core.inbox import Inbox
from thywill.core.lifecycle import State
from thywill.core.outbox import Outbox
from thywill.core.user import NOBODY, Identity
from thywill.hub.client import LiveClient
from thywill.hub.step import CONNECTED


@dataclass(slots=True)
class Restored:
    """One client as a queue has stored it.

    Args:
        id, application, session, created, address, user_agent: as in ``LiveClient``.
        outbox: the messages that its browser has not acknowledged.
        received: the number of its last accepted message.
        handled: the number of its last step that has ended (see ``thywill.hub.step``).
        gone: whether the client is gone, so that only its unfinished steps are left to handle.
        evicted: why it was disconnected; None if it was not.
        data: ``client.data`` as it was at the end of the step ``handled``.
        identity: the client's user.
        channels: the channels that it is in.
        items: its messages after ``handled``.
    """

    id: str
    application: str
    session: str
    outbox: Outbox
    received: int
    handled: int
    gone: bool
    created: float
    address: str = ""
    user_agent: str = ""
    evicted: str | None = None
    data: dict[str, Any] | None = None
    identity: Identity = NOBODY
    channels: list[str] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)

    @property
    def has_connected(self) -> bool:
        """Whether the client's ``on_connect`` has ended."""
        return self.handled >= CONNECTED

    def client(self, now: float) -> LiveClient:
        """Return the live client, detached or gone, and last seen ``now`` (seconds since the epoch)."""
        inbox = Inbox(self.received, self.items, self.outbox.bounds.batch)
        client = LiveClient(self.id, self.application, self.session, self.outbox, inbox, self.created)
        client.address, client.user_agent, client.data = self.address, self.user_agent, self.data
        client.identity = self.identity
        client.seen, client.greeted, client.handled = now, True, max(self.handled, CONNECTED)
        if self.items and self.has_connected:
            client.begun = self.items[0].n  # its hook may have begun, so it is not dropped
        if self.gone:
            client.state = State.GONE
        return client
