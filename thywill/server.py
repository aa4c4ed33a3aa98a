"""The composition root: builds every part from the settings, listens, drains and stops.

The only module that names concrete components.
"""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from thywill import __version__
from thywill.application_interface.base import ApplicationInterface
from thywill.application_interface.local import LocalApplications, LocalSettings
from thywill.client_interface.base import ClientInterface, ClientInterfaceSettings, Surroundings
from thywill.client_interface.bootstrap import Bootstrap
from thywill.client_interface.tornado import TornadoClientInterface
from thywill.component import Choice, Chosen, Component
from thywill.config import LimitsSettings, ServerSettings, Settings
from thywill.core.signing import Signer
from thywill.database.base import Database, DatabaseUnavailable
from thywill.errors import SettingsError
from thywill.http.proxies import TrustedProxies
from thywill.http.reader import Limits
from thywill.http.server import BACKLOG, FastServer, Server, Timeouts
from thywill.http.site import Endpoint, Site
from thywill.http.tornado.server import TornadoServer
from thywill.hub.client import LiveClient
from thywill.hub.contracts import Restored, Timing
from thywill.hub.hub import Hub
from thywill.log.base import Log
from thywill.monitoring.gate import Gate
from thywill.monitoring.metrics import Metrics
from thywill.monitoring.ready import Ready
from thywill.monitoring.settings import MonitoringSettings
from thywill.monitoring.site import TIMING, NoRecords, StatusSite
from thywill.monitoring.status import Status
from thywill.monitoring.watch import Watch
from thywill.process.sockets import Inherited, bind
from thywill.push.base import Push, PushSettings, SendLimits
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
    },
    "push": {
        "sockjs": "thywill.push.sockjs.component.SockJS",
        "longpoll": "thywill.push.longpoll.LongPoll",
    },
    "application_interface": {"local": "thywill.application_interface.local.LocalApplications"},
    "client_interface": {
        "tornado": "thywill.client_interface.tornado.TornadoClientInterface",
    },
}
"""The components that come with thywill, by section and by name; the first of each is the default, for push
all of them."""

SECRET_BYTES = 32
DATA_REMEDY = "let the user of the service write there (chown), or name another folder with --data"
PATIENCE = 2.0
"""Seconds within which the database has to answer for a server that cannot do without it to be ready."""
CLIENTS_PER_SECOND = 1000
"""How many browsers are asked to come back per second after a restart."""

C = TypeVar("C", bound=Component)


class Service:
    """One server with all of its parts; made on the running event loop.

    Args:
        settings: what the operator chose.
        root: the folder of the project, where ``static`` is and where relative paths begin.

    Raises:
        SettingsError: the settings cannot be carried out.
    """

    def __init__(self, settings: Settings, root: Path) -> None:
        choice = Choice(settings, COMPONENTS)
        self.settings = settings.section("server", ServerSettings)
        self.limits = settings.section("limits", LimitsSettings)
        self.proxies = TrustedProxies(self.settings.trusted_proxies)
        self.folder = folder = _make_folder(root / self.settings.data)
        self.log = _build(choice.one("log", Log), folder)
        self.database = _build(choice.one("database", Database), folder)
        self.queue = _build(choice.one("queue", Queue), self.database)
        pages = choice.one("client_interface", ClientInterface)
        pushes = choice.several("push", Push)
        signer = Signer(_secret(folder, pages.settings.secret_file))
        self.hub = Hub(
            self.queue, self.database, signer, _timing(self.settings, pushes), call_soon=_call_soon
        )
        self.applications = _build(
            choice.one("application_interface", ApplicationInterface), self.hub, self.queue.settings.message
        )
        self.queue.connect(self.hub.delivery)
        self.hub.listen(self.applications)
        self.log.watch(self.applications.packages())
        self.origins = Origins(pages.settings.origins)
        limits = SendLimits(self.queue.settings.message, self.queue.settings.batch, self.limits)
        self.pushes = [_build(push, self.hub, self.origins, limits) for push in pushes]
        key = settings.section("monitoring", MonitoringSettings).read_key(root)
        self.gate = Gate(key, signer)
        self.status = self._make_status(signer, root)
        self.client_interface = _build(pages, self._surroundings(signer, root))
        self._server = self._make_server()
        self._parts = [*self._components(), self.status.applications]
        self._started: list[Component] = []
        self._sockets: list[socket.socket] = []
        self._bound = True
        self._ticker: asyncio.TimerHandle | None = None
        self._due = 0.0
        self.address = ""

    def _surroundings(self, signer: Signer, root: Path) -> Surroundings:
        # The application comes last: it can change what the components have said.
        parts = [self.log, self.database, self.queue, *self.pushes, self.applications]
        return Surroundings(
            bootstrap=Bootstrap(self.hub, parts),
            pages=self.applications.pages(),
            origins=self.origins,
            signer=signer,
            static=root / "static" / "thywill",
            handlers=[*self.status.rules(), *(rule for push in self.pushes for rule in push.handlers())],
            draining=lambda: self.hub.draining,
        )

    def _make_status(self, signer: Signer, root: Path) -> StatusSite:
        queue, origins = MemoryQueue(QueueSettings(), self.database), Origins([])
        hub = Hub(queue, NoRecords(), signer, TIMING, call_soon=_call_soon)
        applications = LocalApplications(LocalSettings([Status.__module__]), hub, queue.settings.message)
        limits = SendLimits(queue.settings.message, queue.settings.batch)
        push = LongPoll(PushSettings(hold=TIMING.hold, grace=TIMING.grace), hub, origins, limits)
        queue.connect(hub.delivery)
        hub.listen(applications)
        surroundings = Surroundings(
            bootstrap=Bootstrap(hub, [queue, push, applications]),
            pages=applications.pages(),
            origins=origins,
            signer=signer,
            static=root / "static" / "thywill",
            handlers=[],
            draining=lambda: hub.draining,
        )
        interface = TornadoClientInterface(ClientInterfaceSettings(), surroundings)
        status = applications.application("status")
        assert isinstance(status, Status)
        return StatusSite(self.gate, hub, status, applications, push, interface)

    def _components(self) -> list[Component]:
        return [self.log, self.database, self.queue, *self.pushes, self.client_interface, self.applications]

    def _look_at(self, site: Site, server: Server) -> Watch:
        return Watch(self.hub, self._components(), lambda: server.connections, site.requests, __version__)

    async def problems(self) -> list[str]:
        """Return what keeps the server from serving, a sentence each."""
        if self._ticker is None:
            return ["the server has not started"]
        if self.hub.draining:
            return ["the server is about to stop"]
        if self.queue.durable:
            try:
                await asyncio.wait_for(self.database.find(""), PATIENCE)
            except (DatabaseUnavailable, TimeoutError):
                return ["the database does not answer, and the queue is kept there"]
        return []

    def _make_server(self) -> Server:
        endpoints: dict[bytes, Endpoint] = {}
        endpoints.update(self.client_interface.endpoints())
        endpoints.update(self.status.endpoints())
        endpoints[b"/thywill/ready"] = Ready(self.problems)
        for push in self.pushes:
            endpoints.update(push.endpoints())
        finders = [push.find for push in self.pushes]
        site = Site(self.client_interface.application(), Refusals(self.hub.meter.errors), endpoints, finders)
        kind = FastServer if self.settings.http == "fast" else TornadoServer
        server = kind(site, _limits(self.settings), _timeouts(self.settings), self.proxies)
        self.watch = self._look_at(site, server)
        endpoints[b"/thywill/metrics"] = self.gate.guard(Metrics(self.watch))
        self.status.look_at(self.watch)
        return server

    async def start(self, inherited: Inherited | None = None) -> None:
        """Start every part, the log first, and listen: on the sockets ``inherited``, if there are any.

        Raises:
            SettingsError: a part cannot start, or the port is taken.
        """
        self._sockets = sockets = inherited.sockets if inherited else _listen(self.settings)
        self._bound = inherited is None or inherited.ours
        try:
            await self._start_parts()
        except BaseException:
            await self._stop_parts()
            for each in sockets:
                each.close()
            raise
        self._tick()
        await self._server.start(sockets)
        host, port = sockets[0].getsockname()[:2]
        self.address = f"http://{f'[{host}]' if ':' in host else host}:{port}/"

    async def _start_parts(self) -> None:
        earlier: list[tuple[Restored, LiveClient]] = []
        for part in self._parts:
            if part is self.applications:
                # Before its first hook: what that sends is for the clients of earlier, with ids after theirs.
                earlier = await self._take_back()
            await part.start()
            self._started.append(part)
        for restored, client in earlier:
            restored.catch_up(client, self.applications)

    async def _take_back(self) -> list[tuple[Restored, LiveClient]]:
        try:
            kept = await self.queue.restore(self.applications.pages())
            await self.database.retire()
        except DatabaseUnavailable as error:
            raise SettingsError(f"[database]: {error}") from None
        return [(restored, self.hub.restore(restored)) for restored in kept]

    @property
    def bound(self) -> bool:
        """Whether the settings say where to listen, and not whoever handed the sockets over."""
        return self._bound

    def hand_over(self, settings: Settings) -> list[socket.socket]:
        """Return the sockets for the server that takes this one's place, with ``settings``.

        Raises:
            SettingsError: it is to listen at another place, which is taken.
        """
        new = settings.section("server", ServerSettings)
        if self._bound and (new.address, new.port) != (self.settings.address, self.settings.port):
            return _listen(new)
        return [each.dup() for each in self._sockets]

    async def stop(self) -> None:
        """Serve what is on its way, send browsers away, finish what is under way, let go of everything."""
        log.info("stopping: %d clients are sent away, to come back later", len(self.hub.clients))
        await self._server.drain()
        self.hub.drain(len(self.hub.clients) / CLIENTS_PER_SECOND)
        self.status.hub.drain(0)
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
            self.hub.meter.late(now - self._due)
        self._due = now + self.hub.timing.tick
        self._ticker = asyncio.get_running_loop().call_later(self.hub.timing.tick, self._tick)
        self.hub.tick()
        self.status.hub.tick()


def _build(chosen: Chosen[C], *surroundings: Any) -> C:
    # What a constructor takes after the settings is said by the contract of its kind.
    kind: Callable[..., C] = chosen.kind
    return kind(chosen.settings, *surroundings)


def _call_soon(function: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(function)


def _timing(settings: ServerSettings, pushes: list[Chosen[Push]]) -> Timing:
    grace = max(push.settings.grace for push in pushes)
    hold = max(push.settings.hold for push in pushes)
    return Timing(hold=hold, grace=grace, pause=min(Timing().pause, grace), clients=settings.max_clients)


def _limits(settings: ServerSettings) -> Limits:
    return Limits(header=settings.max_header, body=settings.max_body)


def _timeouts(settings: ServerSettings) -> Timeouts:
    return Timeouts(
        header=settings.header_timeout,
        body=settings.body_timeout,
        idle=settings.idle_timeout,
        write=settings.write_timeout,
    )


def _make_folder(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"the folder {folder} cannot be made: {error.strerror}"
        raise SettingsError(f"[server] data: {reason}; {DATA_REMEDY}") from None
    return folder


def _secret(folder: Path, name: str) -> bytes:
    """Return the secret that tokens are signed with; the first start makes it, for this user's eyes only."""
    path = folder / name
    try:
        if not path.exists():
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(SECRET_BYTES))
        secret = path.read_bytes()
    except OSError as error:
        if path.parent == folder and not os.access(folder, os.W_OK | os.X_OK):
            reason = f"nothing can be written in the folder {folder}: {error.strerror}"
            raise SettingsError(f"[server] data: {reason}; {DATA_REMEDY}") from None
        raise SettingsError(f"[client_interface] secret_file: {path}: {error.strerror}") from None
    if len(secret) < SECRET_BYTES:
        raise SettingsError(
            f"[client_interface] secret_file: {path} is shorter than {SECRET_BYTES} bytes; delete it"
        )
    return secret


def _listen(settings: ServerSettings) -> list[socket.socket]:
    return bind(settings.address, settings.port, BACKLOG)
