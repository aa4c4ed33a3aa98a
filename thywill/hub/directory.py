"""Finds live clients by their tokens, and remembers why others were disconnected."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from thywill.core import probe
from thywill.core.inbox import Inbox
from thywill.core.outbox import Outbox
from thywill.core.recent import Recent
from thywill.core.signing import Signer
from thywill.errors import BadToken, Gone, Probed
from thywill.hub.audience import Audience
from thywill.hub.client import LiveClient
from thywill.hub.ids import IdGenerator

PURPOSE = "client"
EVICTED = 1000
"""How many disconnect reasons are remembered."""

UNKNOWN = (
    "this server does not know this client: it has left, its grace time has passed,"
    " or the server was restarted"
)

WENT_BACK = (
    "this page has messages that the server has lost, because its database was replaced by an older one: "
    "connect again"
)


class Directory(Audience):
    """The clients that are alive in this process.

    Args:
        signer: signs and verifies tokens.
        token: seconds for which a token is valid if its client is not here. The token of a live client does
            not expire.
        wall: returns the time in seconds since the epoch.
    """

    def __init__(self, signer: Signer, token: float, wall: Callable[[], float]) -> None:
        super().__init__()
        self._signer = signer
        self._token = token
        self._wall = wall
        self._ids = IdGenerator()
        self._evicted: Recent[str, str] = Recent(EVICTED)

    def create(self, application: str, session: str, outbox: Outbox, prefix: str = "") -> LiveClient:
        """Return a new client with a token and an id that begins with ``prefix``."""
        now = self._wall()
        client = LiveClient(prefix + self._ids.next(), application, session, outbox, Inbox(), now)
        client.token = self._signer.sign(PURPOSE, client.id, now + self._token)
        self.add(client)
        return client

    def evict(self, client_id: str, reason: str) -> None:
        """Remember why a client was disconnected, for the answer to its browser's later requests."""
        self._evicted.put(client_id, reason)

    def check(self, token: str, *, may_expire: bool = True) -> str:
        """Return the id of the client to which ``token`` was issued, wherever that client is.

        Args:
            token: the token.
            may_expire: whether an expired token is refused. With a store that several servers share it is
                not, since the store knows which clients exist and a server's clock may be wrong.

        Raises:
            BadToken: as for ``verify``.
            Probed: the token is that of ``run.py doctor``.
        """
        if not token.isascii():
            raise BadToken("this server did not issue the token")
        if token == probe.TOKEN:
            raise Probed("run.py doctor has sent this instead of a token")
        return self._signer.verify(PURPOSE, token, self._wall() if may_expire else -inf)

    def fingerprint(self) -> str:
        """Return a digest of the secret that signs tokens, by which servers check that they have the same."""
        return self._signer.sign("fingerprint", "", 0)

    def verify(self, token: str) -> LiveClient:
        """Return the client to which ``token`` was issued, if it is not simply the client's present token.

        Raises:
            BadToken: this server did not issue the token, or the token was changed or has expired.
            Gone: the token is valid, but its client is gone.
        """
        client_id = self.check(token)
        client = self._clients.get(client_id)
        if client is not None:
            client.token = token  # issued before the server was restarted, or by another server
            return client
        reason = self._evicted.get(client_id, UNKNOWN)
        raise Gone(reason, reconnect=reason in (UNKNOWN, WENT_BACK))
