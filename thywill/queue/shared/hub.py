"""The hub of a server that shares its queue with others: any server answers any request of any client.

A poll or a stream of a client that is not here claims the client (``find`` raises ``Elsewhere``). A
client's messages and its leave go straight into the store, which checks the numbers of the messages. So the
client stays where it is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial

from thywill.core.envelope import Item
from thywill.core.inbox import Inbox
from thywill.core.outbox import Bounds, Outbox
from thywill.core.recent import Recent
from thywill.core.user import NOBODY, Identity
from thywill.errors import RequestError
from thywill.hub.client import LiveClient
from thywill.hub.hub import Hub
from thywill.hub.parts import Parts
from thywill.hub.ports import Answer, Elsewhere, Listener, Then
from thywill.hub.relay import Relay
from thywill.queue.shared.names import application_of, prefix

ABSENT = 10_000
"""For how many clients of other servers this server remembers how fast they send."""


Received = Callable[[int, int, RequestError | None], None]
"""Called with the last accepted number, how many messages were new, and the error if there was one."""


class SharedClients(ABC):
    """The part of a shared queue that other queues do not have, as the hub uses it.

    ``relay`` finds the server that has a SockJS session.
    """

    relay: Relay

    @abstractmethod
    def create(self, client: LiveClient) -> None:
        """Store a new client: it has not polled, and its first poll may reach any server."""

    @abstractmethod
    def claim(self, client_id: str, cursor: int, then: Then) -> None:
        """Move a client here; call ``then`` with None when it is here, or with the error."""

    @abstractmethod
    def forget(self, client: LiveClient) -> None:
        """Forget a client that is with another server now."""

    @abstractmethod
    def receive(self, client: LiveClient, items: Sequence[Item], then: Received) -> None:
        """Accept numbered messages of a client that may be with any server."""

    @abstractmethod
    def leave(self, client: LiveClient) -> None:
        """End a client that may be with any server, because its page has left."""


class NoHooks(Listener):
    """Ignores the events of clients: the hooks run on the leader, which reads the inbox."""

    def connected(self, client: LiveClient) -> None:
        """Do nothing."""

    def resumed(self, client: LiveClient) -> None:
        """Do nothing."""

    def received(self, client: LiveClient, items: Sequence[Item]) -> None:
        """Do nothing."""

    def disconnected(self, client: LiveClient) -> None:
        """Do nothing."""


class SharedHub(Hub):
    """Answers the requests of clients that may be with any server."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        assert isinstance(parts.queue, SharedClients)
        self._shared: SharedClients = parts.queue
        self._absent: Recent[str, LiveClient | None] = Recent(ABSENT)
        self._nothing = Outbox(Bounds())

    @property
    def relay(self) -> Relay:
        return self._shared.relay

    def _prefix(self, application: str) -> str:
        return prefix(application)

    def create(
        self, application: str, session: str, address: str = "", identity: Identity = NOBODY
    ) -> LiveClient:
        client = super().create(application, session, address, identity)
        self._shared.create(client)
        return client

    def _find_by_signature(self, token: str) -> LiveClient:
        client_id = self._directory.check(token, may_expire=False)
        client = self._clients.get(client_id)
        if client is None:
            raise Elsewhere(partial(self._shared.claim, client_id))
        client.token = token
        return client

    def find_anywhere(self, token: str) -> LiveClient:
        try:
            return self.find(token)
        except Elsewhere:
            return self._placeholder(token.partition(".")[0])

    def _placeholder(self, client_id: str) -> LiveClient:
        client = self._absent.get(client_id, None)
        if client is None:
            application = application_of(client_id)
            client = LiveClient(client_id, application, "", self._nothing, Inbox(), 0.0)
            self._absent.put(client_id, client)
        return client

    def _relocate(self, client: LiveClient, address: str, transport: str) -> None:
        if client.id in self._clients:
            super()._relocate(client, address, transport)

    def _never_sent(self, client: LiveClient, cursor: int) -> None:
        # The page has this cursor from another server, to which the client moved: this one does not know yet.
        self._shared.forget(client)
        raise Elsewhere(partial(self._shared.claim, client.id))

    def receive(self, client: LiveClient, items: Sequence[Item], answer: Answer, size: int = 0) -> None:
        self._count_sends(client, len(items), size)
        if client.id in self._clients:
            self._leases.renew(client)
            if client.receiver is None:
                self._leases.pause(client)
        self._shared.receive(client, items, partial(self._received, client, answer))

    def _received(
        self, client: LiveClient, answer: Answer, received: int, fresh: int, error: RequestError | None
    ) -> None:
        self._meter.applications[client.application].received += fresh
        answer(received, error)

    def leave(self, client: LiveClient) -> None:
        self._shared.leave(client)
