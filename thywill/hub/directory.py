"""Who is there: the live clients by id, token, session, channel and application, and who was disconnected."""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from thywill.core.channels import Channels
from thywill.core.inbox import Inbox
from thywill.core.message import Address
from thywill.core.outbox import Outbox
from thywill.core.recent import Recent
from thywill.core.signing import Signer
from thywill.errors import BadToken, Gone
from thywill.hub.client import LiveClient
from thywill.hub.names import Names

PURPOSE = "client"
EVICTED = 1000
"""How many disconnect reasons are remembered."""

LEFT = "this client has left, or its grace time has passed"


class Directory:
    """The clients that are alive in this process.

    Args:
        signer: makes and checks tokens.
        token: seconds for which a token may be shown to a server that does not know its client.
    """

    def __init__(self, signer: Signer, token: float) -> None:
        self._signer = signer
        self._token = token
        self._names = Names()
        self._clients: dict[str, LiveClient] = {}
        self._sessions = Sessions()
        self._channels: Channels[LiveClient] = Channels()
        self._evicted: Recent[str, str] = Recent(EVICTED)

    def __len__(self) -> int:
        return len(self._clients)

    @property
    def clients(self) -> Mapping[str, LiveClient]:
        """The clients by id, to be read."""
        return MappingProxyType(self._clients)

    @property
    def sessions(self) -> int:
        """How many browsers have a client here."""
        return len(self._sessions)

    @property
    def channels(self) -> int:
        """How many channels have a member."""
        return len(self._channels)

    # Who comes and goes.

    def create(self, application: str, session: str, outbox: Outbox, now: float) -> LiveClient:
        """Return a new client with an id and a token; ``now`` is in seconds since the epoch."""
        client = LiveClient(self._names.next(), application, session, outbox, Inbox(), now)
        client.token = self._signer.sign(PURPOSE, client.id, now + self._token)
        self.add(client)
        return client

    def add(self, client: LiveClient) -> None:
        """``client`` is alive."""
        self._clients[client.id] = client
        self._sessions.add(client)

    def remove(self, client: LiveClient) -> None:
        """``client`` is gone, and in no channel any more."""
        del self._clients[client.id]
        self._sessions.remove(client)
        self._channels.forget(client)

    def evict(self, client_id: str, reason: str) -> None:
        """Remember why a client was disconnected, for its browser to be told."""
        self._evicted.put(client_id, reason)

    def find(self, token: str, now: float) -> LiveClient:
        """Return the client that ``token`` was issued to.

        The signature is checked only for clients that are not here: a token that equals the one a client
        holds needs no other proof.

        Raises:
            BadToken: it is forged, cut or expired.
            Gone: it is good, but its client is gone.
        """
        if not token.isascii():
            raise BadToken("this server did not issue the token")
        client = self._clients.get(client_id := token.partition(".")[0])
        if client is not None and hmac.compare_digest(client.token, token):
            return client
        self._signer.verify(PURPOSE, token, now)
        if client is not None:
            client.token = token  # issued before the server was restarted
            return client
        raise Gone(self._evicted.get(client_id, LEFT))

    # Channels, and whom an address means.

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
        """Return the clients of ``application``, in the order in which they came."""
        return [client for client in self._clients.values() if client.application == application]

    def addressed(self, application: str, address: Address) -> Sequence[LiveClient]:
        """Return the clients that ``address`` means, in the order in which they came."""
        if address.kind == "channel":
            return list(self._channels.members((application, address.name)))
        if address.kind == "session":
            return [each for each in self._sessions.of(address.name) if each.application == application]
        client = self._clients.get(address.name)
        return [client] if client is not None and client.application == application else []


class Sessions:
    """The live clients of every session.

    Nearly every session has one client, which then stands by itself: a collection for each would take
    several times its memory.
    """

    def __init__(self) -> None:
        self._clients: dict[str, LiveClient | dict[LiveClient, None]] = {}

    def __len__(self) -> int:
        return len(self._clients)

    def add(self, client: LiveClient) -> None:
        """``client`` is alive."""
        others = self._clients.get(client.session)
        if others is None:
            self._clients[client.session] = client
        elif isinstance(others, dict):
            others[client] = None
        else:
            self._clients[client.session] = {others: None, client: None}

    def remove(self, client: LiveClient) -> None:
        """``client`` is gone."""
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
