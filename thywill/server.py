"""The composition root: builds every part from the settings, listens, drains and stops.

Only this module names concrete components. A part is built after those that its constructor takes:

    settings ─▶ log, database ─▶ engine: hub, queue, applications ─▶ pushes ─▶ client interface ─▶ HTTP server
                                 engine: the status page's own    ─▶ long poll ─▶ its interface ─┘

The three parts of an engine need one another, so ``thywill.hub.room`` builds them together. The parts start
in this order, the log first, and stop in the reverse order.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from thywill import __version__
from thywill import server_arguments as arguments
from thywill.application_interface.base import ApplicationInterface, Loaded, Page
from thywill.application_interface.local import LocalApplications, LocalSettings
from thywill.application_interface.people import SavedPeople
from thywill.client_interface.base import ClientInterface, ClientInterfaceSettings, Dependencies
from thywill.client_interface.bootstrap import Bootstrap
from thywill.client_interface.tornado import TornadoClientInterface
from thywill.component import Choice, Chosen, Component
from thywill.config import LimitsSettings, ServerSettings, Settings
from thywill.core.periods import until_next_period
from thywill.core.server_row import ServerRow
from thywill.core.signing import Signer
from thywill.core.text import counted
from thywill.database.base import Database, DatabaseUnavailable
from thywill.development.component import Development
from thywill.errors import SettingsError
from thywill.http.proxies import TrustedProxies
from thywill.http.server import BACKLOG, FastServer, Server
from thywill.http.site import Endpoint, RequestCount, Site, host_name
from thywill.http.tornado.server import TornadoServer
from thywill.hub.actions import Actions
from thywill.hub.meter import Meter
from thywill.hub.people import DAY, People
from thywill.hub.room import Room, build
from thywill.log.base import Log
from thywill.monitoring import front_page
from thywill.monitoring.clients import Clients
from thywill.monitoring.cluster import Cluster
from thywill.monitoring.front_page import FrontPage
from thywill.monitoring.gate import Gate
from thywill.monitoring.metrics import Metrics
from thywill.monitoring.ready import Ready
from thywill.monitoring.servers import Servers
from thywill.monitoring.settings import MonitoringSettings
from thywill.monitoring.site import LIMITS, TIMING, NoRecords, StatusSite
from thywill.monitoring.status import Status
from thywill.monitoring.watch import Watch
from thywill.process.compiled import form
from thywill.process.name import server_name
from thywill.process.private import make_private
from thywill.process.sockets import Inherited, bind, start_listening, url_of
from thywill.publishing.component import Publishing
from thywill.publishing.settings import PublishingSettings
from thywill.push.base import Push, PushSettings
from thywill.push.longpoll import LongPoll
from thywill.queue.base import Queue, QueueSettings
from thywill.queue.memory import MemoryQueue
from thywill.wire.origins import Origins
from thywill.wire.refusals import Refusals

log = logging.getLogger(__name__)

COMPONENTS: dict[str, dict[str, str]] = {
    "log": {
        "console": "thywill.log.console.ConsoleLog",
        "file": "thywill.log.file.FileLog",
    },
    "database": {"peewee": "thywill.database.peewee.PeeweeDatabase"},
    "queue": {
        "memory": "thywill.queue.memory.MemoryQueue",
        "database": "thywill.queue.durable.queue.DatabaseQueue",
        "redis": "thywill.queue.redis.queue.RedisQueue",
    },
    "push": {
        "sockjs": "thywill.push.sockjs.component.SockJS",
        "longpoll": "thywill.push.longpoll.LongPoll",
    },
    "application_interface": {"local": "thywill.application_interface.local.LocalApplications"},
    "client_interface": {"tornado": "thywill.client_interface.tornado.TornadoClientInterface"},
}
"""The components that come with thywill, by section and by name; the first of each is the default, for push
all of them."""

STORE_TIMEOUT = 2.0
"""Seconds within which the store of the queue has to answer; otherwise the server is not ready."""
STATUS = LocalSettings([], slow_hook=0.0)
STATUS_STOP = 1.0
"""Seconds that hooks of the status page may take to end when the server stops."""

C = TypeVar("C", bound=Component)


Engine = Room[Queue, ApplicationInterface]
"""A hub with a queue and applications that are components."""


class Service:
    """One server with all of its parts; made on the running event loop.

    Args:
        settings: the settings.
        root: the folder of the project, which contains ``static`` and which relative paths begin at.
        secret: signs tokens in place of the secret in the file; then no file is created or read.
        place: which of its parent's servers this is, such as ``2 of 4``; empty without a parent.
        development: reloads pages and shows tracebacks in them, for ``run.py --dev``; otherwise None.

    Raises:
        SettingsError: a setting is wrong, or a part cannot be built from it.
    """

    address = ""
    _bound = True
    _ticker: asyncio.TimerHandle | None = None
    _due = 0.0

    def __init__(
        self,
        settings: Settings,
        root: Path,
        *,
        secret: bytes | None = None,
        place: str = "",
        development: Development | None = None,
    ) -> None:
        self.development = development
        choice = Choice(settings, COMPONENTS)
        pages = choice.one("client_interface", ClientInterface)
        pushes = choice.several("push", Push)
        self.settings = settings.section("server", ServerSettings)
        arguments.check_processes(settings, choice)
        self.limits = settings.section("limits", LimitsSettings)
        self.proxies = TrustedProxies(self.settings.trusted_proxies, scheme=self.settings.proxied_scheme)
        self.folder = folder = root / self.settings.data
        signer = arguments.signer(secret, folder, pages.settings.secret_file)
        interface = choice.one("application_interface", ApplicationInterface)  # type: ignore[type-abstract]
        self.log = _build(choice.one("log", Log), folder, interface.kind.packages(interface.settings))
        self.log.place = place
        self.database = _build(choice.one("database", Database), folder)
        self.meter = Meter()
        self.timing = arguments.timing(self.settings, pushes)
        self.engine = engine = self._make_engine(choice, interface, signer, root)
        self.hub, self.queue, self.applications = engine.hub, engine.queue, engine.applications
        self.origins = Origins(pages.settings.origins)
        self.pushes = self._make_pushes(pushes)
        self.gate = Gate(settings.section("monitoring", MonitoringSettings).read_key(root), signer)
        self.status = self._make_status(signer, root)
        self.client_interface = _build(pages, self._dependencies(engine, signer, root))
        self.refusals = Refusals(self.meter.errors)
        self.publishing = self._make_publishing(settings.section("publishing", PublishingSettings))
        self._parts = [*self._components(), *self.queue.late_parts(), self.status.engine.applications]
        self._server = self._make_server()
        self._started: list[Component] = []
        self._sockets: list[socket.socket] = []
        self.queue.describe_server, self.queue.answer_server = self.watch.row, self.cluster.answer
        self.deposed: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def _make_engine(
        self, choice: Choice, interface: Chosen[ApplicationInterface], signer: Signer, root: Path
    ) -> Engine:
        # The watch is passed as a function, since it does not exist yet: it observes this engine.
        page = Page(
            front_page.NAME, FrontPage.title, root / "static" / "thywill", None, home="", is_front=True
        )
        is_live = choice.one("client_interface", ClientInterface).settings.live_front_page
        front = [Loaded(FrontPage, page, (lambda: self.watch,))] if is_live else []
        chosen = choice.one("queue", Queue)  # type: ignore[type-abstract]
        seconds = self.settings.stop_timeout

        def make_applications(actions: Actions, queue: Queue) -> ApplicationInterface:
            return _build(interface, actions, queue.settings.message, seconds, front)

        people = People(self.limits.people, self.limits.person_bytes, self.limits.person_days * DAY)
        engine = build(
            partial(_build, chosen, self.database),
            make_applications,
            signer,
            self.timing,
            call_soon=asyncio.get_running_loop().call_soon,
            make_hub=chosen.kind.hub,
            limits=arguments.client_limits(self.limits).within(self.settings.max_clients),
            meter=self.meter,
            people=people,
        )
        is_alive = engine.directory.has_session
        self.people = SavedPeople(people, self.database, is_alive, follows=chosen.kind.shared)
        return engine

    def _dependencies(self, engine: Engine, signer: Signer, root: Path) -> Dependencies:
        # The application is last, so that it can change what the components have added.
        parts = [self.log, self.database, self.queue, *self.pushes, self.applications]
        if self.development is not None:
            self.development.watch(_sources(engine.applications.pages().values(), root))
            parts.insert(-1, self.development)
        handlers = [*self.status.rules(), *(rule for push in self.pushes for rule in push.handlers())]
        return _dependencies(engine, Bootstrap(self.hub, parts), self.origins, signer, root, handlers)

    def _make_pushes(self, pushes: Sequence[Chosen[Push]]) -> list[Push]:
        limits = arguments.send_limits(self.queue.settings, self.limits)
        return [_build(push, self.hub, self.origins, limits) for push in pushes]

    def _make_status(self, signer: Signer, root: Path) -> StatusSite:
        # The watch is passed as a function, since it does not exist yet: it observes this site, too.
        self.cluster = Cluster(lambda: self.watch)
        given = (lambda: self.watch, self.queue.servers, self.cluster, self.gate.has_key)
        page = Page("status", Status.title, Status.STATIC, Status.STATIC / Status.page, home="../../")
        status = Loaded(Status, page, given)
        records = NoRecords(None, self.folder)

        def make_applications(actions: Actions, queue: Queue) -> ApplicationInterface:
            message = queue.settings.message
            return LocalApplications(STATUS, actions, message, STATUS_STOP, [status])

        engine: Engine = build(
            partial(MemoryQueue, QueueSettings(), records),
            make_applications,
            signer,
            TIMING,
            call_soon=asyncio.get_running_loop().call_soon,
            limits=LIMITS,
        )
        origins = Origins([])
        settings = PushSettings(hold=TIMING.hold, grace=TIMING.grace)
        push = LongPoll(
            settings, engine.hub, origins, arguments.send_limits(engine.queue.settings, LimitsSettings())
        )
        bootstrap = Bootstrap(engine.hub, [engine.queue, push, engine.applications])
        dependencies = _dependencies(engine, bootstrap, origins, signer, root, [])
        interface = TornadoClientInterface(ClientInterfaceSettings(), dependencies)
        return StatusSite(self.gate, engine, push, interface)

    def _make_publishing(self, settings: PublishingSettings) -> Publishing:
        message = self.queue.settings.message
        draining = lambda: self.hub.draining  # noqa: E731
        return Publishing(settings, self.queue.publish, draining, self.applications, message, self.refusals)

    def _components(self) -> list[Component]:
        pages = [*self.pushes, self.client_interface]
        parts = [self.log, self.database, self.queue, *pages, self.people, self.applications, self.publishing]
        return parts if self.development is None else [*parts, self.development]

    async def problems(self) -> list[str]:
        """Return the reasons why the server cannot serve now, a sentence each; none if it can."""
        if self._ticker is None:
            return ["the server has not started"]
        if self.hub.draining:
            return ["the server is about to stop"]
        try:
            problem = await asyncio.wait_for(self.queue.problem(), STORE_TIMEOUT)
        except TimeoutError:
            problem = f"the database, which stores the queue, does not answer within {STORE_TIMEOUT:g} s"
        return [problem] if problem else []

    def _make_server(self) -> Server:
        requests: dict[bytes, RequestCount] = {}
        self.watch = Watch(
            self.engine,
            self.meter,
            self._components(),
            lambda: self._server.connections,
            requests,
            ServerRow(server_name(), "", os.getpid(), __version__, time.time(), form()),
            lambda: self.address,
        )
        finders = [*(push.find for push in self.pushes), self.client_interface.find]
        site = Site(
            self.client_interface.application(),
            self.refusals,
            self._endpoints(),
            finders,
            requests,
            self.meter.limited,
            frozenset(host_name(name.encode()) for name in self.settings.hosts),
            self.client_interface.largest_body,
        )
        kind = FastServer if self.settings.http == "fast" else TornadoServer
        return kind(
            site,
            arguments.http_limits(self.settings, self.limits),
            arguments.timeouts(self.settings),
            self.proxies,
        )

    def _endpoints(self) -> dict[bytes, Endpoint]:
        endpoints: dict[bytes, Endpoint] = {
            **self.client_interface.endpoints(),
            **self.status.endpoints(),
            **self.publishing.endpoints(),
            b"/thywill/ready": Ready(self.problems),
            b"/thywill/metrics": self.gate.guard(Metrics(self.watch)),
            b"/thywill/servers": self.gate.guard(Servers(self.queue.servers)),
            b"/thywill/clients": self.gate.guard(Clients(self.cluster)),
        }
        for push in self.pushes:
            endpoints.update(push.endpoints())
        if self.development is not None:
            endpoints.update(self.development.endpoints())
        return endpoints

    async def start(self, inherited: Inherited | None = None) -> None:
        """Start every part, the log first, and listen, on ``inherited`` sockets if there are any.

        Raises:
            SettingsError: a part cannot start, the port is taken, or another server owns the database.
        """
        self._sockets = sockets = (
            inherited.sockets if inherited else bind(self.settings.address, self.settings.port)
        )
        self._bound = inherited is None or inherited.ours
        self.address = url_of(sockets[0])
        try:
            await self._start_parts()
            start_listening(sockets, BACKLOG)
        except BaseException:
            await self._stop_parts()
            for each in sockets:
                each.close()
            raise
        self._tick()
        await self._server.start(sockets)

    async def _start_parts(self) -> None:
        for part in self._parts:
            if part is self.applications:
                # Before the first hook runs, since its messages have to reach restored clients, and their
                # ids have to follow those of the restored messages.
                await self._restore()
            # With a shared queue, applications start when this server leads them.
            if part is not self.applications or not self.queue.shared:
                await part.start()
            self._started.append(part)
            if part is self.database and not self.queue.shared:
                # Before anything is read from the database, since another server may still write to it.
                await self.database.own(self.address, self.queue.settings.takeover, self._end_deposed)
        self.engine.leases.resume()
        files = [file for part in self._parts for file in part.files()]
        secret = self.folder / self.client_interface.settings.secret_file
        for line in make_private(self.folder, [secret, *files]):
            log.warning("%s", line)

    def _end_deposed(self, reason: str) -> None:
        """Send every browser away, because another server owns the database; ``reason`` is for the log."""
        log.error("this server ends: %s", reason)
        self._send_browsers_away()
        if not self.deposed.done():
            self.deposed.set_result(reason)

    def _send_browsers_away(self) -> None:
        self.engine.drain.begin_at_a_rate(others_serve=self.queue.shared)

    async def _restore(self) -> None:
        try:
            stored = await self.queue.restore(self.applications.pages())
            if not self.queue.shared:  # a shared database has the clients of other servers, too
                await self.database.retire()
        except DatabaseUnavailable as error:
            raise SettingsError(f"[database]: {error}") from None
        self.engine.leases.restore(stored)

    @property
    def bound(self) -> bool:
        """Whether this program has bound its sockets by the settings; otherwise systemd has bound them."""
        return self._bound

    def hand_over(self, settings: Settings) -> list[socket.socket]:
        """Return the listening sockets for the server with ``settings`` that replaces this one.

        Raises:
            SettingsError: the settings have another address or port, which is in use.
        """
        new = settings.section("server", ServerSettings)
        if self._bound and (new.address, new.port) != (self.settings.address, self.settings.port):
            sockets = bind(new.address, new.port)
            start_listening(sockets, BACKLOG)
            return sockets
        return [each.dup() for each in self._sockets]

    async def stop(self) -> None:
        """Drain, ask browsers to come back later, finish the requests under way, and stop every part."""
        log.info("stopping: asking %s to come back later", counted(len(self.engine.directory), "client"))
        await self._server.drain()
        self._send_browsers_away()
        self.status.engine.drain.begin(0)
        for push in self.pushes:
            push.drain()
        await self._server.stop(self.settings.stop_timeout)
        if self._ticker is not None:
            self._ticker.cancel()
        await self._stop_parts()

    async def _stop_parts(self) -> None:
        while self._started:
            part = self._started.pop()
            try:
                await part.stop()
            except Exception:
                log.exception("%s could not be stopped cleanly", type(part).__name__)

    def _tick(self) -> None:
        now = time.monotonic()
        if self._due:
            self.meter.late(now - self._due)
        pause = until_next_period(self.timing.tick, now)
        self._due = now + pause
        self._ticker = asyncio.get_running_loop().call_later(pause, self._tick)
        self.engine.leases.tick()
        self.status.engine.leases.tick()


def _build(chosen: Chosen[C], *others: Any) -> C:
    # The contract of the component's kind defines what its constructor takes after the settings.
    kind: Callable[..., C] = chosen.kind
    return kind(chosen.settings, *others)


def _dependencies(
    engine: Engine,
    bootstrap: Bootstrap,
    origins: Origins,
    signer: Signer,
    root: Path,
    handlers: Sequence[Any],
) -> Dependencies:
    """Return what the client interface of ``engine`` needs."""
    return Dependencies(
        bootstrap=bootstrap,
        pages=engine.applications.pages(),
        origins=origins,
        signer=signer,
        static=root / "static" / "thywill",
        handlers=handlers,
        draining=lambda: engine.drain.began,
        applications=engine.applications,
        hub=engine.hub,
        actions=engine.actions,
        directory=engine.directory,
    )


def _sources(pages: Iterable[Page], root: Path) -> list[Path]:
    """Return the folders of the applications, and those of the project."""
    return [*(page.static.parent for page in pages), *(root / name for name in ("thywill", "static", "conf"))]
