"""Finds out who a visitor is: by a ticket, or by the application's ``authenticate``.

1  A browser requests a page, or a page connects. Its ticket is read; a forged or expired one, or one for
   another application, is answered 401.
2  If the application has an ``authenticate``, it returns a user or None, or refuses the visitor (403).
3  The client is created for that user. The page learns for how many seconds its ticket is valid.
4  The page gets a new ticket from its own site, and sends it here, so that the client can go on (``renew``).
5  A client whose ticket has expired is ended.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress

from thywill.client_interface.base import Dependencies
from thywill.core.user import NOBODY, Identity, User, Visitor
from thywill.errors import BadTicket, Unavailable
from thywill.hub.client import LiveClient
from thywill.tickets import TicketError, read_ticket

log = logging.getLogger(__name__)

MAX_CONCURRENT = 1000
"""How many calls of ``authenticate`` may run at the same time."""
RETRY = 2.0
"""Seconds after which a visitor beyond that number may try again."""
CHECK_EVERY = 1.0
"""Seconds between two checks for expired tickets."""
CHECKED_PER_TURN = 2000
"""Clients that are checked in one turn of the loop."""
ENDED = "the ticket has expired: log in again"


class Identities:
    """Finds out who visitors are, and ends clients whose tickets have expired.

    Args:
        secret: the secret that tickets are signed with; if it is empty, no ticket is valid.
        dependencies: the applications and the clients.
        wall: the clock, in seconds since the epoch.
    """

    def __init__(
        self, secret: str, dependencies: Dependencies, *, wall: Callable[[], float] = time.time
    ) -> None:
        self._secret = secret
        self._dependencies = dependencies
        self._wall = wall
        self._asked = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to end clients whose tickets have expired."""
        if self._secret:
            self._task = asyncio.get_running_loop().create_task(self._keep_ending())

    async def stop(self) -> None:
        """Stop ending clients."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def read(self, ticket: str | None, application: str) -> Identity:
        """Return the user that ``ticket`` names; ``NOBODY`` without a ticket.

        Args:
            ticket: the ticket; None or empty if there is none.
            application: the application that the visitor asks for.

        Raises:
            BadTicket: the ticket is not valid, or is for another application.
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
        """Return whether the application has an ``authenticate``, which may take a while."""
        return self._dependencies.applications.authenticates(application)

    async def ask(self, visitor: Visitor, expires: float | None) -> Identity:
        """Ask the application who ``visitor`` is.

        Args:
            visitor: the visitor, who requests a page or connects.
            expires: when the visitor's ticket expires, in seconds since the epoch; None without a ticket.

        Raises:
            Refused, Failed: the visitor gets no client.
            Unavailable: ``authenticate`` has not ended in time, or runs for too many visitors already.
        """
        if self._asked >= MAX_CONCURRENT:
            raise Unavailable("too many visitors wait to be recognized", retry=RETRY)
        self._asked += 1
        try:
            user = await self._dependencies.applications.authenticate(visitor)
        finally:
            self._asked -= 1
        # A client ends with its ticket only if the ticket has named its user.
        return Identity(user, expires if user is not None and user == visitor.ticket else None)

    def renew(self, client: LiveClient, ticket: str) -> float:
        """Replace the ticket of ``client`` by a new one; return for how many seconds the new one is valid.

        Raises:
            BadTicket: the new ticket is not valid, or is for another user or application.
        """
        identity = self.read(ticket, client.application)
        old, new = client.identity.user, identity.user
        if old is None or new is None or old.id != new.id:
            raise BadTicket("the ticket is for another user")
        self._dependencies.actions.identify(client, identity)
        return self.left(identity) or 0.0

    def left(self, identity: Identity) -> float | None:
        """Return for how many seconds the ticket of ``identity`` is still valid; None without a ticket."""
        return None if identity.expires is None else max(round(identity.expires - self._wall(), 1), 0.0)

    async def _keep_ending(self) -> None:
        while True:
            await asyncio.sleep(CHECK_EVERY)
            await self.end_expired()

    async def end_expired(self) -> None:
        """End the clients whose tickets have expired."""
        for count, client in enumerate(list(self._dependencies.directory.clients.values())):
            if count % CHECKED_PER_TURN == CHECKED_PER_TURN - 1:
                await asyncio.sleep(0)
            expires = client.identity.expires
            if expires is not None and expires <= self._wall():
                log.info("%s: its ticket has expired", client)
                self._dependencies.actions.disconnect(client, ENDED)
