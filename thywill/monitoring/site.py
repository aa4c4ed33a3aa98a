"""The site of the status page: a small server inside the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tornado.web import Application

from thywill.application_interface.base import ApplicationInterface
from thywill.client_interface.base import ClientInterface
from thywill.core.record import Recorded
from thywill.database.base import Database
from thywill.http.site import Endpoint
from thywill.hub.hub import Hub
from thywill.hub.leases import Timing
from thywill.monitoring.gate import HOURS, Gate
from thywill.monitoring.pages import PREFIX, Door
from thywill.push.base import Push

TIMING = Timing(grace=30.0, token=HOURS * 3600, clients=100)
"""For the visitors of the status page, who do not count as clients of the server."""


class NoRecords(Database):
    """Stores no record of the visitors, so that the page needs no database."""

    def save(self, client: Recorded) -> None:
        """Do nothing."""


@dataclass(slots=True)
class StatusSite:
    """The parts of the status page's own server.

    It has its own hub, queue and interface. So it works while the database is away, does not load the hub
    that it shows, and can be closed to everybody without the key.

    Args:
        gate: decides who may see the page.
        hub: where its visitors live.
        applications: runs the application.
        push: delivers its messages.
        interface: serves its page and files.
    """

    gate: Gate
    hub: Hub
    applications: ApplicationInterface
    push: Push
    interface: ClientInterface

    def rules(self) -> Sequence[Any]:
        """Return its rules for the ``tornado.web.Application`` of the server."""
        site = self.interface.application()
        assert isinstance(site, Application)
        return Door(self.gate, site, self._make_room).rules()

    def _make_room(self) -> None:
        """Let a new visitor in although all places are taken, mostly by pages that nobody has opened.

        The first to go is the oldest client that has never polled, else the oldest one without a request.
        """
        clients = self.hub.clients.values()
        if len(clients) < TIMING.clients:
            return
        absent = [client for client in clients if client.receiver is None]
        unused = [client for client in absent if not client.greeted]
        oldest = next(iter(unused or absent), None)
        if oldest is not None:
            self.hub.disconnect(oldest, "others have opened the page since: reload it")

    def endpoints(self) -> Mapping[bytes, Endpoint]:
        """Return the endpoints of the wire, one level below the page's folder."""
        prefix = PREFIX.encode()
        return {prefix + path: self.gate.guard(each) for path, each in self.push.endpoints().items()}
