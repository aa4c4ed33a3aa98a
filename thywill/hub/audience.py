"""The clients of one process, by id, by application, by session, by user and by channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from thywill.core.channels import Channels
from thywill.core.user import Identity
from thywill.hub.client import LiveClient


class Audience:
    """A set of clients, their users and their channels."""

    def __init__(self) -> None:
        self._clients: dict[str, LiveClient] = {}
        self._sessions = Sessions()
        self._channels: Channels[LiveClient] = Channels()
        self._users: Channels[LiveClient] = Channels()

    def __len__(self) -> int:
        return len(self._clients)

    @property
    def clients(self) -> Mapping[str, LiveClient]:
        """The clients by id, read-only."""
        return MappingProxyType(self._clients)

    @property
    def by_id(self) -> dict[str, LiveClient]:
        """The same for the hub, which finds a client for each request; only this class changes it."""
        return self._clients

    @property
    def sessions(self) -> int:
        """How many sessions have a client here."""
        return len(self._sessions)

    @property
    def channels(self) -> int:
        """How many channels have a member."""
        return len(self._channels)

    def has_session(self, session: str) -> bool:
        """Return whether a session has a client here."""
        return bool(self._sessions.of(session))

    def add(self, client: LiveClient) -> None:
        """Add a client, so that the other methods find it."""
        self._clients[client.id] = client
        self._sessions.add(client)
        self.identify(client, client.identity)

    def identify(self, client: LiveClient, identity: Identity) -> None:
        """Set the user of ``client``."""
        if client.identity.user is not None:
            self._users.remove(client, (client.application, client.identity.user.id))
        client.identity = identity
        if identity.user is not None:
            self._users.add(client, (client.application, identity.user.id))

    def remove(self, client: LiveClient) -> None:
        """Remove a client and its memberships."""
        del self._clients[client.id]
        self._sessions.remove(client)
        self._channels.forget(client)
        self._users.forget(client)

    def subscribe(self, client: LiveClient, channel: str) -> None:
        """Add ``client`` to ``channel`` of its application."""
        self._channels.add(client, (client.application, channel))

    def unsubscribe(self, client: LiveClient, channel: str) -> None:
        """Remove ``client`` from ``channel``."""
        self._channels.remove(client, (client.application, channel))

    def is_in(self, client: LiveClient, channel: str) -> bool:
        """Return whether ``client`` is in ``channel`` of its application."""
        return self._channels.has(client, (client.application, channel))

    def channels_of(self, client: LiveClient) -> list[str]:
        """Return the channels that ``client`` is in."""
        return [name for _, name in self._channels.names(client)]

    def of_application(self, application: str) -> list[LiveClient]:
        """Return the clients of ``application``, in the order in which they were added."""
        return [client for client in self._clients.values() if client.application == application]

    def members(self, application: str, channel: str) -> list[LiveClient]:
        """Return the clients in ``channel``, in the order in which they subscribed."""
        return list(self._channels.members((application, channel)))

    def of_user(self, application: str, user: str) -> list[LiveClient]:
        """Return the clients of one user, in the order in which they were added."""
        return list(self._users.members((application, user)))

    def of_session(self, application: str, session: str) -> list[LiveClient]:
        """Return the clients of one session, in the order in which they were added."""
        return [each for each in self._sessions.of(session) if each.application == application]


class Sessions:
    """The live clients of every session.

    Nearly every session has one client. That client is stored without a collection around it, which would
    take several times the memory.
    """

    def __init__(self) -> None:
        self._clients: dict[str, LiveClient | dict[LiveClient, None]] = {}

    def __len__(self) -> int:
        return len(self._clients)

    def add(self, client: LiveClient) -> None:
        """Add a client."""
        others = self._clients.get(client.session)
        if others is None:
            self._clients[client.session] = client
        elif isinstance(others, dict):
            others[client] = None
        else:
            self._clients[client.session] = {others: None, client: None}

    def remove(self, client: LiveClient) -> None:
        """Remove a client."""
        others = self._clients[client.session]
        if isinstance(others, dict):
            del others[client]
        if others is client or not others:
            del self._clients[client.session]

    def of(self, session: str) -> Sequence[LiveClient]:
        """Return the live clients of ``session``, in the order in which they were added."""
        clients = self._clients.get(session)
        if isinstance(clients, dict):
            return list(clients)
        return () if clients is None else (clients,)
