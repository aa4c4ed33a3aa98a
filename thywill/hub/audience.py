"""Whom a message reaches: the live clients by id, by session and by channel."""

from __future__ import annotations

from collections.abc import Sequence

from thywill.core.channels import Channels
from thywill.hub.client import LiveClient
from thywill.hub.contracts import Address
from thywill.hub.sessions import Sessions


class Audience:
    """The clients that are alive in this process. ``clients`` has them by id."""

    def __init__(self) -> None:
        self.clients: dict[str, LiveClient] = {}
        self._sessions = Sessions()
        self._channels: Channels[LiveClient] = Channels()

    def add(self, client: LiveClient) -> None:
        """``client`` is alive."""
        self.clients[client.id] = client
        self._sessions.add(client)

    def remove(self, client: LiveClient) -> None:
        """``client`` is gone, and in no channel any more."""
        del self.clients[client.id]
        self._sessions.remove(client)
        self._channels.forget(client)

    def subscribe(self, client: LiveClient, channel: str) -> None:
        """Put ``client`` into ``channel`` of its application."""
        self._channels.add(client, (client.application, channel))

    def unsubscribe(self, client: LiveClient, channel: str) -> None:
        """Take ``client`` out of ``channel``."""
        self._channels.remove(client, (client.application, channel))

    @property
    def sessions(self) -> int:
        """How many browsers have a client here."""
        return len(self._sessions)

    @property
    def channels(self) -> int:
        """How many channels have a member."""
        return len(self._channels)

    def channels_of(self, client: LiveClient) -> list[str]:
        """Return the channels that ``client`` is in."""
        return [name for _, name in self._channels.names(client)]

    def of_application(self, application: str) -> list[LiveClient]:
        """Return the clients of ``application``, in the order in which they came."""
        return [client for client in self.clients.values() if client.application == application]

    def addressed(self, application: str, address: Address) -> Sequence[LiveClient]:
        """Return the clients that ``address`` means, in the order in which they came."""
        if address.kind == "channel":
            return list(self._channels.members((application, address.name)))
        if address.kind == "session":
            return [each for each in self._sessions.of(address.name) if each.application == application]
        client = self.clients.get(address.name)
        return [client] if client is not None and client.application == application else []
