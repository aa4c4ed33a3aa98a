"""Who a visitor is: by a ticket, by what the application's ``authenticate`` says, or nobody.

1  A page is asked for, or connects. Its ticket is read: forged, expired, for another application: 401.
2  The application is asked, if it has an ``authenticate``: a user, None, or refused (403).
3  The client is created for that user, and told for how many seconds its ticket is valid.
4  The page gets a new ticket from its own site, and sends it: the client goes on (``renew``).
5  A client whose ticket has ended is ended.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from thywill.client_interface.base import Surroundings
from thywill.core.user import NOBODY, Identity, User, Visitor
from thywill.errors import BadTicket, Unavailable
from thywill.hub.client import LiveClient
from thywill.tickets import TicketError, read_ticket

log = logging.getLogger(__name__)

AT_ONCE = 1000
"""Visitors about whom applications are asked at the same time."""
RETRY = 2.0
SWEEP = 1.0
"""Seconds between two looks for tickets that have ended."""
WALK = 2000
"""Clients that are looked at in one turn of the loop."""
ENDED = "the ticket has expired: log in again"


class Identities:
    """Finds out who visitors are, and ends clients whose tickets have ended.

    Args:
        secret: what tickets are signed with; empty where none is valid.
        surroundings: the applications and the clients.
        wall: the clock, in seconds since the epoch.
    """

    def __init__(
        self, secret: str, surroundings: Surroundings, *, wall: Callable[[], float] = time.time
    ) -> None:
        self._secret = secret
        self._surroundings = surroundings
        self._wall = wall
        self._asked = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to end clients whose tickets have ended."""
        if self._secret:
            self._task = asyncio.get_running_loop().create_task(self._keep_ending())

    async def stop(self) -> None:
        """Stop it."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def read(self, ticket: str | None, application: str) -> Identity:
        """Return whom ``ticket`` names; nobody if there is none.

        Raises:
            BadTicket: it is not valid, or is for another application.
        """
        if not ticket:
            return NOBODY
        if not self._secret:
            raise BadTicket("tickets are not accepted here: see ticket_secret in [client_interface]")
        try:
            found = read_ticket(self._secret, ticket, self._wall())
        except TicketError as error:
            raise BadTicket(str(error)) from None
        if found.application not in ("", application):
            raise BadTicket("the ticket is for another application")
        return Identity(User(found.user, found.name), found.expires)

    def must_ask(self, application: str) -> bool:
        """Tell whether the application has to be asked who a visitor is, which may take a while."""
        return self._surroundings.applications.authenticates(application)

    async def ask(self, visitor: Visitor, expires: float | None) -> Identity:
        """Ask the application who ``visitor`` is.

        Args:
            visitor: who asks for a page or connects.
            expires: when the visitor's ticket ends.

        Raises:
            Refused, Failed: the visitor gets no client.
            Unavailable: the application has not answered in time, or is asked about too many visitors.
        """
        if self._asked >= AT_ONCE:
            raise Unavailable("too many visitors wait to be recognized", retry=RETRY)
        self._asked += 1
        try:
            user = await self._surroundings.applications.authenticate(visitor)
        finally:
            self._asked -= 1
        # A client ends with its ticket only where the ticket is the reason why it has its user.
        return Identity(user, expires if user is not None and user == visitor.ticket else None)

    def renew(self, client: LiveClient, ticket: str) -> float:
        """Let ``client`` go on with a new ticket of its user; return for how many seconds it is valid.

        Raises:
            BadTicket: it is not valid, or is for another user or application.
        """
        identity = self.read(ticket, client.application)
        old, new = client.identity.user, identity.user
        if old is None or new is None or old.id != new.id:
            raise BadTicket("the ticket is for another user")
        self._surroundings.actions.identify(client, identity)
        return self.left(identity) or 0.0

    def left(self, identity: Identity) -> float | None:
        """Return for how many seconds the ticket is valid that has named the user; None without a ticket."""
        return None if identity.expires is None else max(round(identity.expires - self._wall(), 1), 0.0)

    async def _keep_ending(self) -> None:
        while True:
            await asyncio.sleep(SWEEP)
            await self.end_expired()

    async def end_expired(self) -> None:
        """End the clients whose tickets have ended."""
        for count, client in enumerate(list(self._surroundings.directory.clients.values())):
            if count % WALK == WALK - 1:
                await asyncio.sleep(0)
            expires = client.identity.expires
            if expires is not None and expires <= self._wall():
                log.info("%s: its ticket has expired", client)
                self._surroundings.actions.disconnect(client, ENDED)
