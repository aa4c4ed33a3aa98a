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
from thywill.hub.leases import Timing
from thywill.hub.rates import ClientLimits
from thywill.hub.room import Room
from thywill.monitoring.gate import HOURS, Gate
from thywill.monitoring.operator import OperatorEndpoint
from thywill.monitoring.pages import PREFIX, StatusRouter
from thywill.push.base import Push
from thywill.queue.base import Queue

TIMING = Timing(grace=30.0, token=HOURS * 3600, clients=400)
"""The times of the status page's visitors, who do not count as clients of the server."""
LIMITS = ClientLimits(unpolled_grace=0.0, connects=1e6, connects_burst=1e6)
"""The limits of these visitors, whom the gate has admitted. A page that has not polled yet makes room for the
next one at once, so that requests of programs, which never poll, take no places."""


class NoRecords(Database):
    """Stores no records of the visitors, so that the status page needs no database."""

    def save(self, client: Recorded) -> None:
        """Do nothing."""


@dataclass(slots=True)
class StatusSite:
    """The parts of the status page's own server.

    The status page has its own hub, queue and client interface. So it works while the database is away, puts
    no load on the hub that it shows, and can be closed to everybody without the key.

    Args:
        gate: decides who may see the page.
        engine: the hub of the page's visitors, with its queue and its application.
        push: delivers the page's messages.
        interface: serves the page and its files.
    """

    gate: Gate
    engine: Room[Queue, ApplicationInterface]
    push: Push
    interface: ClientInterface

    def rules(self) -> Sequence[Any]:
        """Return the page's rules for the ``tornado.web.Application`` of the server."""
        site = self.interface.application()
        assert isinstance(site, Application)
        return StatusRouter(self.gate, site).rules()

    def endpoints(self) -> Mapping[bytes, Endpoint]:
        """Return the endpoints of the page's wire, below ``/thywill``, and ``/thywill/operator``."""
        prefix = PREFIX.encode()
        wire = {prefix + path: self.gate.guard(each) for path, each in self.push.endpoints().items()}
        return {**wire, prefix + b"/operator": OperatorEndpoint(self.gate)}
