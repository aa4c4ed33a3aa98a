"""Finds live clients by id, token, session, channel and application, and why others were disconnected."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from thywill.core import probe
from thywill.core.channels import Channels
from thywill.core.inbox import Inbox
from thywill.core.outbox import Outbox
from thywill.core.recent import Recent
from thywill.core.signing import Signer
from thywill.core.user import Identity
from thywill.errors import BadToken, Gone, Probed
from thywill.hub.client import LiveClient
from thywill.hub.names import Names

PURPOSE = "client"
EVICTED = 1000
"""How many disconnect reasons are remembered."""

UNKNOWN = (
    "this server does not know this client: it has left, its grace time has passed,"
    " or the server was restarted"
)


class Directory:
    """The clients that are alive in this process.

    Args:
        signer: signs and verifies tokens.
        token: for how many seconds a token is valid while its client is not here. That of a live client does
            not expire.
        wall: returns the time in seconds since the epoch.
    """

    def __init__(self, signer: Signer, token: float, wall: Callable[[], float]) -> None:
        self._signer = signer
        self._token = token
        self._wall = wall
        self._names = Names()
        self._clients: dict[str, LiveClient] = {}
        self._sessions = Sessions()
        self._channels: Channels[LiveClient] = Channels()
        self._users: Channels[LiveClient] = Channels()
        self._evicted: Recent[str, str] = Recent(EVICTED)

    def __len__(self) -> int:
        return len(self._clients)

    @property
    def clients(self) -> Mapping[str, LiveClient]:
        """The clients by id, read-only."""
        return MappingProxyType(self._clients)

    @property
    def sessions(self) -> int:
        """How many browsers have a client here."""
        return len(self._sessions)

    @property
    def channels(self) -> int:
        """How many channels have a member."""
        return len(self._channels)

    def has_session(self, session: str) -> bool:
        """Tell whether a session has a client here."""
        return bool(self._sessions.of(session))

    # Adding and removing.

    def create(self, application: str, session: str, outbox: Outbox) -> LiveClient:
        """Return a new client with an id and a token."""
        now = self._wall()
        client = LiveClient(self._names.next(), application, session, outbox, Inbox(), now)
        client.token = self._signer.sign(PURPOSE, client.id, now + self._token)
        self.add(client)
        return client

    def add(self, client: LiveClient) -> None:
        """Add a client, which can be found from now on."""
        self._clients[client.id] = client
        self._sessions.add(client)
        self.identify(client, client.identity)

    def identify(self, client: LiveClient, identity: Identity) -> None:
        """``client`` belongs to the user of ``identity`` from now on."""
        if client.identity.user is not None:
            self._users.remove(client, (client.application, client.identity.user.id))
        client.identity = identity
        if identity.user is not None:
            self._users.add(client, (client.application, identity.user.id))

    def remove(self, client: LiveClient) -> None:
        """Remove a client, also from its channels."""
        del self._clients[client.id]
        self._sessions.remove(client)
        self._channels.forget(client)
        self._users.forget(client)

    def evict(self, client_id: str, reason: str) -> None:
        """Remember why a client was disconnected, to answer its browser when it comes later."""
        self._evicted.put(client_id, reason)

    def verify(self, token: str) -> LiveClient:
        """Return the client that ``token`` was issued to, where the token is not the one that it has now.

        Raises:
            BadToken: this server did not issue the token, or it was changed or has expired.
            Gone: the token is valid, but its client is gone.
        """
        if not token.isascii():
            raise BadToken("this server did not issue the token")
        if token == probe.TOKEN:
            raise Probed("run.py doctor has sent this in place of a token")
        self._signer.verify(PURPOSE, token, self._wall())
        client_id = token.partition(".")[0]
        client = self._clients.get(client_id)
        if client is not None:
            client.token = token  # issued before the server was restarted
            return client
        reason = self._evicted.get(client_id, UNKNOWN)
        raise Gone(reason, reconnect=reason is UNKNOWN)

    # Channels and addresses.

    def subscribe(self, client: LiveClient, channel: str) -> None:
        """Put ``client`` into ``channel`` of its application."""
        self._channels.add(client, (client.application, channel))

    def unsubscribe(self, client: LiveClient, channel: str) -> None:
        """Take ``client`` out of ``channel``."""
        self._channels.remove(client, (client.application, channel))

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
        """Return the clients of one browser, in the order in which they were added."""
        return [each for each in self._sessions.of(session) if each.application == application]


class Sessions:
    """The live clients of every session.

    Nearly every session has one client, which is then stored without a collection around it: that would take
    several times the memory.
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
        """Return the live clients of ``session``, in the order in which they came."""
        clients = self._clients.get(session)
        if isinstance(clients, dict):
            return list(clients)
        return () if clients is None else (clients,)
