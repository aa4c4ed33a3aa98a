"""The view of a running server that metrics and the status page share."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from thywill.application_interface.base import ApplicationInterface
from thywill.component import Component
from thywill.core.measures import Measures
from thywill.core.overflow import Overflow
from thywill.core.server_row import ServerRow
from thywill.http.site import RequestCount
from thywill.hub.meter import Meter
from thywill.hub.room import Room
from thywill.monitoring.census import Census, Count
from thywill.queue.base import Queue


@dataclass(slots=True)
class Watch:
    """A running server, as metrics and the status page see it.

    Args:
        engine: the hub, its queue and its applications.
        meter: the counters of the hub.
        parts: the components, which add their own metrics.
        connections: returns how many HTTP connections are open.
        requests: the number of requests by kind.
        server: the server's name, process and version in the list of servers.
        address: returns the address that the server listens on.
        begun: when the server was started, by the monotonic clock.
    """

    engine: Room[Queue, ApplicationInterface]
    meter: Meter
    parts: Sequence[Component]
    connections: Callable[[], int]
    requests: Mapping[bytes, RequestCount]
    server: ServerRow
    address: Callable[[], str]
    begun: float = field(default_factory=time.monotonic)
    census: Census = field(init=False)

    def __post_init__(self) -> None:
        self.census = Census(self.engine.directory.clients)
        # An application that nobody has visited is seen, too.
        self.meter.add(*self.engine.applications.pages())

    @property
    def version(self) -> str:
        """thywill's version."""
        return self.server.version

    def row(self) -> ServerRow:
        """Return this server's row in the list of servers, as if there were no other one."""
        delay = self.meter.delay
        return replace(
            self.server,
            address=self.address(),
            clients=len(self.engine.directory),
            delay=round(delay.sum / max(delay.count, 1), 4),
            lag=round(self.meter.worst_lag(), 4),
            leads=tuple(self.meter.applications),
        )

    async def measures(self) -> Measures:
        """Return all measures."""
        measures = Measures()
        measures.gauge("thywill_info", "1, with the version as a label.", 1, version=self.version)
        self._add_clients(measures, await self.census.take())
        self._add_messages(measures)
        self._add_trouble(measures)
        self._add_server(measures)
        for part in self.parts:
            part.measure(measures)
        return measures

    def _add_clients(self, measures: Measures, count: Count) -> None:
        text = "Clients by application, state and transport."
        for (application, state, transport), clients in count.clients.items():
            labels = {"application": application, "state": state, "transport": transport or "none"}
            measures.gauge("thywill_clients", text, clients, **labels)
        measures.gauge("thywill_sessions", "Browsers that have a client.", self.engine.directory.sessions)
        measures.gauge("thywill_channels", "Channels that have a member.", self.engine.directory.channels)
        for application in self.meter.applications:
            waiting, labels = count.waiting[application], {"application": application}
            text = "Messages in all queues of clients."
            measures.gauge("thywill_queue_messages", text, waiting.messages, **labels)
            measures.gauge("thywill_queue_bytes", "Bytes in all queues of clients.", waiting.size, **labels)
            text = "Messages in the fullest queue."
            measures.gauge("thywill_queue_messages_max", text, waiting.most_messages, **labels)
            text = "Bytes in the largest queue."
            measures.gauge("thywill_queue_bytes_max", text, waiting.most_size, **labels)

    def _add_messages(self, measures: Measures) -> None:
        meter = self.meter
        for application, tally in meter.applications.items():
            labels = {"application": application}
            text = "Messages that applications sent, each counted once."
            measures.counter("thywill_sends_total", text, tally.sends, **labels)
            text = "Messages that applications sent, counted once for each receiver."
            measures.counter("thywill_messages_sent_total", text, tally.queued, **labels)
            text = "Messages that browsers sent."
            measures.counter("thywill_messages_received_total", text, tally.received, **labels)
        text = "From the storing of a message until its answer is written, for one receiver of each message."
        measures.histogram("thywill_delivery_delay_seconds", text, meter.delay)

    def _add_trouble(self, measures: Measures) -> None:
        meter = self.meter
        for policy in Overflow:
            text = "Messages dropped from full queues, by the policy of the message that came."
            measures.counter("thywill_dropped_total", text, meter.dropped[policy.value], policy=policy.value)
        text = "Messages that left all queues because the log was full, counted once for each receiver."
        measures.counter("thywill_given_up_total", text, meter.given_up)
        for reason in ("queue", "log"):
            text = "Clients that were disconnected because their queue, or the log, was full."
            count = meter.disconnected[reason]
            measures.counter("thywill_disconnected_full_total", text, count, reason=reason)
        for code, refused in meter.errors.items():
            text = "Requests and frames that were refused, by the code of the error."
            measures.counter("thywill_errors_total", text, refused, code=code)
        for limit, refused in meter.limited.items():
            text = "Requests and connections refused because of a limit, by the name of its setting."
            measures.counter("thywill_limited_total", text, refused, limit=limit)

    def _add_server(self, measures: Measures) -> None:
        meter = self.meter
        text = "How late the loop came to a timer, twice a second."
        measures.histogram("thywill_loop_lag_seconds", text, meter.lag)
        text = "The longest loop lag in the last minute."
        measures.gauge("thywill_loop_lag_max_seconds", text, meter.worst_lag())
        measures.gauge("thywill_http_connections", "Connections that are open.", self.connections())
        for kind, count in list(self.requests.items()):
            text = "Requests by address; / stands for all pages."
            measures.counter("thywill_http_requests_total", text, count.number, kind=kind.decode("latin-1"))
        text = "1 while the server is about to stop."
        measures.gauge("thywill_draining", text, int(self.engine.drain.began))
