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
from thywill.monitoring.operator import MayLook
from thywill.monitoring.pages import PREFIX, Door
from thywill.push.base import Push
from thywill.queue.base import Queue

TIMING = Timing(grace=30.0, token=HOURS * 3600, clients=400)
"""For the visitors of the status page, who do not count as clients of the server."""
LIMITS = ClientLimits(unpolled_grace=0.0, connects=1e6, connects_burst=1e6)
"""The gate has admitted these visitors. A page that has not polled yet gives its place to the next at once,
so that requests which are no browser's take no places."""


class NoRecords(Database):
    """Stores no record of the visitors, so that the page needs no database."""

    def save(self, client: Recorded) -> None:
        """Do nothing."""


@dataclass(slots=True)
class StatusSite:
    """The parts of the status page's own server.

    It has its own hub, queue and client interface. So it works while the database is away, does not load the
    hub that it shows, and can be closed to everybody without the key.

    Args:
        gate: decides who may see the page.
        engine: the hub where its visitors live, with its queue and its application.
        push: delivers its messages.
        interface: serves its page and files.
    """

    gate: Gate
    engine: Room[Queue, ApplicationInterface]
    push: Push
    interface: ClientInterface

    def rules(self) -> Sequence[Any]:
        """Return its rules for the ``tornado.web.Application`` of the server."""
        site = self.interface.application()
        assert isinstance(site, Application)
        return Door(self.gate, site).rules()

    def endpoints(self) -> Mapping[bytes, Endpoint]:
        """Return the endpoints of the wire, one level below the page's folder, and who asks for the way."""
        prefix = PREFIX.encode()
        wire = {prefix + path: self.gate.guard(each) for path, each in self.push.endpoints().items()}
        return {**wire, prefix + b"/operator": MayLook(self.gate)}
