"""The site of the status page: a small server of its own inside of the server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tornado.web import Application

from thywill.application_interface.base import ApplicationInterface
from thywill.client_interface.base import ClientInterface
from thywill.core.record import Recorded
from thywill.http.site import Endpoint
from thywill.hub.contracts import Timing
from thywill.hub.hub import Hub
from thywill.monitoring.gate import HOURS, Gate
from thywill.monitoring.pages import PREFIX, Door
from thywill.monitoring.status import Status
from thywill.monitoring.watch import Watch
from thywill.push.base import Push

TIMING = Timing(grace=30.0, token=HOURS * 3600, clients=100)
"""Of those who look: they do not count among the clients, and get in when no other client does."""


class NoRecords:
    """Keeps nothing of those who look, whatever the database does."""

    def save(self, client: Recorded) -> None:
        """Forget it."""


@dataclass(slots=True)
class StatusSite:
    """The parts of the status page's own server.

    It has a hub, a queue and an interface of its own, so that it works when the database is away, costs the
    hub that it looks at nothing, and can be closed to all who have no key.

    Args:
        gate: knows who may come in.
        hub: where those who look live.
        status: the application.
        applications: runs it.
        push: brings its messages.
        interface: serves its page and files.
    """

    gate: Gate
    hub: Hub
    status: Status
    applications: ApplicationInterface
    push: Push
    interface: ClientInterface

    def look_at(self, watch: Watch) -> None:
        """Show ``watch``."""
        self.status.look_at(watch, has_key=self.gate.has_key)

    def rules(self) -> Sequence[Any]:
        """Return its rules for the ``tornado.web.Application`` of the server."""
        site = self.interface.application()
        assert isinstance(site, Application)
        return Door(self.gate, site).rules()

    def endpoints(self) -> Mapping[bytes, Endpoint]:
        """Return its addresses: the wire's, one level below the page's folder."""
        prefix = PREFIX.encode()
        return {prefix + path: self.gate.guard(each) for path, each in self.push.endpoints().items()}
