"""Pages, static files and sessions by Tornado's handlers; ``connect`` and ``health`` as thin endpoints."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from functools import partial
from typing import Any

from tornado.httputil import HTTPServerConnectionDelegate
from tornado.web import Application, RequestHandler

from thywill.application_interface.base import Page
from thywill.client_interface import front, guide, html
from thywill.client_interface.assets import Assets, cache_control, open_to_all
from thywill.client_interface.base import ClientInterface, ClientInterfaceSettings, Dependencies
from thywill.client_interface.browser_sessions import BrowserSessions
from thywill.client_interface.bundle import Bundle, ClientBundle
from thywill.client_interface.echo import Echo
from thywill.client_interface.files import Files
from thywill.client_interface.frame import Frame
from thywill.client_interface.identities import Identities
from thywill.client_interface.pages import PageBuilder, PageEndpoint
from thywill.client_interface.ttl_cache import TtlCache
from thywill.component import Configuration
from thywill.core import envelope
from thywill.core.user import NOBODY, Identity, User, Visitor
from thywill.errors import BadTicket, Draining, Failed, MethodNotAllowed, NotFound, Refused, RequestError
from thywill.http.message import JSON, Refusal, Reply
from thywill.http.request import Request
from thywill.http.site import Endpoint
from thywill.hub.client import LiveClient
from thywill.hub.ports import Elsewhere
from thywill.wire.endpoint import JsonEndpoint
from thywill.wire.handlers import MethodsHandler, allow
from thywill.wire.origins import Origins
from thywill.wire.refusals import answer_to

log = logging.getLogger(__name__)

CLIENT_FILES = (
    "thywill.js",
    "json.js",
    "streaming.js",
    "transport.js",
    "xhr.js",
    "xdr.js",
    "parking.js",
    "page.js",
    "iframe.js",
    "htmlfile.js",
    "loader.js",
    "jsonp.js",
    "choice.js",
    "identity.js",
    "backoff.js",
    "requester.js",
    "sender.js",
    "dispatcher.js",
    "client.js",
    "receiver.js",
    "stream.js",
    "bootstrap.js",
)
"""The files of the browser client. Each uses only those before it; similar files are neighbours, because gzip
then compresses them better."""

BAR_FILES = ("bar.js",)
"""The connection bar. The browser client loads it if the page does not listen to ``state``."""

MAX_DEPTH = 10
"""An error page finds its style only if its path has at most this many slashes."""

NAME_SHOWN = 100
"""How many characters of an unknown name, which may be a text of any length, an error repeats."""

STYLE = "thywill/look.css"
"""The style that every page has; the styles of its application follow."""
NO_ICON = "data:,"

PAGE_POLICY = "script-src 'self'; object-src 'none'; base-uri 'none'"


class TornadoClientInterface(ClientInterface):
    """The client interface that comes with thywill."""

    def __init__(self, settings: ClientInterfaceSettings, dependencies: Dependencies) -> None:
        super().__init__(settings, dependencies)
        self.sessions = BrowserSessions(dependencies.signer, settings.session_days)
        folders = {name: page.static for name, page in dependencies.pages.items()}
        self.assets = Assets({"thywill": dependencies.static, **folders})
        self.bundle = ClientBundle(dependencies.static, CLIENT_FILES)
        self.bar = Bundle(dependencies.static, BAR_FILES)
        self.frame = Frame(dependencies.static, dependencies.origins)
        self.echo = Echo(dependencies.draining)
        self.identities = Identities(settings.ticket_secret, dependencies)
        made = {"client.js": self.bundle, "bar.js": self.bar}
        frames = {"frame.js": self.frame.script, "bridge.js": self.frame.bridge}
        self.static_files = Files(self.assets, {**made, **frames})
        self.guide = guide.Guide(dependencies.static.parents[1], self.assets.address)
        self.page_builder = PageBuilder(self._around, self._bootstrap)
        self._cache = TtlCache()
        self.page_policy = f"{PAGE_POLICY}; frame-ancestors {' '.join(_framers(dependencies.origins))}"
        self._tasks: set[asyncio.Task[None]] = set()
        self._pages = {
            b"/" if page.is_front else b"/%b/" % name.encode(): PageEndpoint(self, page)
            for name, page in dependencies.pages.items()
        }

    async def start(self) -> None:
        self.identities.start()

    async def stop(self) -> None:
        """Wait for the calls of ``authenticate``, which have a time limit."""
        await self.identities.stop()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def application(self) -> HTTPServerConnectionDelegate:
        shared = {"interface": self}
        return Application(
            [
                *self.dependencies.handlers,
                self.echo.rule(),
                (r"/static/([0-9a-z]+)/client\.js", BundleHandler, {"bundle": self.bundle}),
                (r"/static/([0-9a-z]+)/bar\.js", BundleHandler, {"bundle": self.bar}),
                (r"/static/([0-9a-z]+)/frame\.js", BundleHandler, {"bundle": self.frame.script}),
                (r"/static/([0-9a-z]+)/bridge\.js", BundleHandler, {"bundle": self.frame.bridge}),
                (r"/static/([0-9a-z]+)/frame\.html", FrameHandler, shared),
                *self.assets.rules(),
                (r"/", FrontHandler, shared),
                (r"/([A-Za-z][A-Za-z0-9_-]*)(/?)", PageHandler, shared),
            ],
            default_handler_class=MissingHandler,
            default_handler_args=shared,
            compress_response=True,
            log_function=lambda handler: None,
        )

    def endpoints(self) -> Mapping[bytes, Endpoint]:
        connect = JsonEndpoint(
            envelope.Connect, self._connect, self.dependencies.origins, trusting=False, largest_body=0
        )
        renew = JsonEndpoint(envelope.NewTicket, self._renew, self.dependencies.origins, largest_body=0)
        wire: dict[bytes, Endpoint] = {b"/thywill/connect": connect, b"/thywill/ticket": renew}
        return {**wire, b"/thywill/health": self._health, guide.PATH: self.guide}

    def find(self, request: Request) -> Endpoint | None:
        """Return the endpoint of a page or a file; unusual requests are left to ``application``."""
        page = self._pages.get(request.path) if request.method == b"GET" else None
        return page or self.static_files.find(request) or self.guide.find(request)

    # The wire.

    def _connect(self, connect: envelope.Connect, request: Request, reply: Reply) -> None:
        if connect.application not in self.dependencies.pages:
            raise NotFound(f"there is no application {connect.application[:NAME_SHOWN]!r}")
        origins = self.dependencies.origins
        others = [origin for origin in _asking_origins(request) if origins.check(origin, request.host)]
        cookies = (self._cookies(request, others) or b"").decode("latin-1")
        known = self.identities.read(connect.ticket, connect.application)
        secure = request.scheme == "https"
        if not self.identities.must_ask(connect.application):
            # Nobody but ``begin`` sees this visitor, and nearly all are like this.
            agent = (request.header(b"user-agent") or b"").decode("latin-1")
            headers = {"cookie": cookies, "user-agent": agent}
            visitor = Visitor(connect.application, request.peer, headers)
            self._answer_connect(visitor, known, reply, secure=secure)
            return
        headers = {name.decode("latin-1").lower(): text.decode("latin-1") for name, text in request.headers}
        headers["cookie"] = cookies
        query = request.query() if b"?" in request.target else {}
        visitor = Visitor(connect.application, request.peer, headers, query, known.user)
        asking = self._ask_and_answer(visitor, known, request, reply, secure=secure)
        self.run(asyncio.get_running_loop().create_task(asking))

    def run(self, task: asyncio.Task[None]) -> None:
        """Let the server wait for ``task`` before it stops."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _ask_and_answer(
        self, visitor: Visitor, known: Identity, request: Request, reply: Reply, *, secure: bool
    ) -> None:
        try:
            identity = await self.identities.ask(visitor, known.expires)
            self._answer_connect(visitor, identity, reply, secure=secure)
        except RequestError as error:
            self.dependencies.hub.refused(error)
            reply.send(*answer_to(error))
        except Exception:
            log.exception("%s could not be connected", visitor.address)
            reply.send(*answer_to(Refusal(500, "an error in the server")))

    def _answer_connect(self, visitor: Visitor, identity: Identity, reply: Reply, *, secure: bool) -> None:
        _, configuration, cookie = self.begin(visitor, identity, secure=secure)
        head = JSON + b"Set-Cookie: %b\r\n" % cookie.encode()
        answer = {**configuration.connection, "push": configuration.push}
        reply.send(200, envelope.encode_object(answer), head)

    def _renew(self, renew: envelope.NewTicket, request: Request, reply: Reply) -> None:
        try:
            client = self.dependencies.hub.find(renew.token)
        except Elsewhere as elsewhere:
            # This request does not tell the page's cursor; the next poll will.
            elsewhere.claim(0, partial(self._renew_again, renew, request, reply))
            return
        seconds = self.identities.renew(client, renew.ticket)
        reply.send(200, envelope.encode_object({"ticket": seconds}))

    def _renew_again(
        self, renew: envelope.NewTicket, request: Request, reply: Reply, error: RequestError | None
    ) -> None:
        """Renew the ticket of a client that has come from another server, or answer with ``error``."""
        try:
            if error is not None:
                raise error
            self._renew(renew, request, reply)
        except RequestError as refusal:
            self.dependencies.hub.refused(refusal)
            reply.send(*answer_to(refusal))

    def _cookies(self, request: Request, others: list[str]) -> bytes | None:
        """Return the cookies that count; ``others`` are the origins asking that are not our own."""
        # With origins = ["*"] any page may connect, but it must not get the session of our own pages.
        may_join = request.method == b"POST" and all(map(self.dependencies.origins.is_named, others))
        return request.header(b"cookie") if may_join else None

    def _health(self, request: Request, reply: Reply) -> None:
        if request.method not in (b"GET", b"HEAD"):
            raise MethodNotAllowed("only GET is allowed here")
        if self.dependencies.draining():
            raise Draining("the server is about to stop", retry=2)
        reply.send(200, b'{"status":"ok"}')

    def begin(
        self, visitor: Visitor, identity: Identity, *, secure: bool
    ) -> tuple[LiveClient, Configuration, str]:
        """Return a new client for ``visitor``, its configuration, and the session cookie for its browser."""
        cookies = visitor.headers.get("cookie", "").encode("latin-1")
        session = self.sessions.read(cookies, secure=secure) or self.sessions.create()
        client, configuration = self.dependencies.bootstrap.begin(
            visitor.application, session, visitor.address, visitor.headers.get("user-agent", ""), identity
        )
        if identity.user is not None:
            configuration.connection["user"] = {"id": identity.user.id, "name": identity.user.name}
        if identity.expires is not None:
            configuration.connection["ticket"] = self.identities.left(identity)
        return client, configuration, self.sessions.cookie(session, secure=secure)

    # The page.

    def page(self, page: Page, configuration: Configuration) -> bytes:
        """Return the HTML of an application's page."""
        template, bootstrap = self.page_builder.page(page, configuration)
        return template.plain(bootstrap)

    def end(self, client: LiveClient) -> None:
        """End a client whose page could not be made."""
        self.dependencies.bootstrap.end(client)

    def refused(self, page: Page, status: int, reason: str) -> str:
        """Return the HTML that is sent instead of ``page``: an error, or a plain list for the front page."""
        style = self.assets.address(STYLE)
        if page.is_front:
            return html.bare_page("thywill", self.front(), [style])
        return html.error_page(status, reason, [f"../{style}"], "../")

    def _around(self, page: Page, styles: list[str]) -> tuple[str, str]:
        base = _base(page)
        links = html.Links(
            f"{base}static/{self.bundle.version}/client.js",
            [self._address(style, base) for style in (STYLE, *styles)],
            self._address(f"{page.name}/{page.icon}", base) if page.icon else NO_ICON,
        )
        return html.around_bootstrap(page, self.front() if page.is_front else html.fragment_of(page), links)

    def front(self) -> str:
        """Return the HTML of the front page's body."""
        pages = [page for page in self.dependencies.pages.values() if not page.is_front]
        icons = [self.assets.address(f"{page.name}/{page.icon}") if page.icon else "" for page in pages]
        return front.fragment(list(map(front.Card, pages, icons)))

    def _bootstrap(self, page: Page, configuration: Configuration) -> dict[str, Any]:
        base = _base(page)
        return {
            "application": page.name,
            "base": base,
            "bar": self._cache.get(("bar", base), lambda: f"{base}static/{self.bar.version}/bar.js"),
            "shared": self.dependencies.origins.any(),
            "transport_in_address": self.settings.transport_in_address,
            **configuration.connection,
            "push": configuration.push,
            "resources": {
                "scripts": [self._address(script, base) for script in configuration.scripts],
                "styles": [self._address(style, base) for style in configuration.styles],
            },
            "parameters": configuration.parameters,
        }

    def _address(self, resource: str, base: str) -> str:
        # The address is relative to the page, so that a proxy may serve everything below some path.
        address = self._cache.get(resource, lambda: self.assets.address(resource))
        return f"{base}{address}" if address.startswith("static/") else address


def _base(page: Page) -> str:
    return "./" if page.is_front else "../"


class BundleHandler(MethodsHandler):
    """The browser client."""

    def initialize(self, bundle: Bundle) -> None:
        self.bundle = bundle

    def get(self, version: str) -> None:
        self.clear_header("Server")
        self.set_header("Content-Type", "text/javascript; charset=UTF-8")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", cache_control(is_current=version == self.bundle.version))
        open_to_all(self)
        self.finish(self.bundle.text)

    head = get


def _framers(origins: Origins) -> list[str]:
    """Return the origins whose pages may show ours in a frame: our own, and those of the settings."""
    allowed = [origin for origin in origins.allowed() if origin != "null"]  # a policy cannot name "null"
    return ["*"] if "*" in allowed else ["'self'", *allowed]


def _asking_origins(request: Request) -> list[str]:
    """Return the origins that ask: the Origin header's, and that of the page around our hidden frame."""
    if request.method != b"POST":
        return []
    origin = (request.origin or b"").decode("latin-1")
    page = request.query().get("page", "") if b"?" in request.target else ""
    return [each for each in (origin, page) if each]


class PageBase(RequestHandler):
    """The base of the handlers of pages."""

    interface: TornadoClientInterface
    refusal = ""
    """The text of an error page; if it is empty, the phrase of the status."""

    def initialize(self, interface: TornadoClientInterface) -> None:
        self.interface = interface
        self.set_default_headers()

    def set_default_headers(self) -> None:
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Cache-Control", "no-store")
        if "interface" in vars(self):  # Tornado calls this before initialize, and again for an error
            self.set_header("Content-Security-Policy", self.interface.page_policy)

    def compute_etag(self) -> str | None:
        return None  # a page names its client, so no two are the same

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        # Bounded, so that a path of many slashes does not make an answer of many times its length.
        base = "../" * min(self.request.path.count("/") - 1, MAX_DEPTH)
        style = base + self.interface.assets.address(STYLE)
        allow(self, status_code)
        self.finish(html.error_page(status_code, self.refusal or self._reason, [style], base or "./"))


class ApplicationBase(PageBase):
    """Makes the page of an application, with a new client."""

    def visitor(self, page: Page, ticket: User | None = None) -> Visitor:
        """Return the visitor who requests ``page``; ``ticket`` is the user that the ticket names."""
        headers = {name.lower(): text for name, text in self.request.headers.items()}
        query = {
            name: values[-1].decode("utf-8", "replace")
            for name, values in self.request.query_arguments.items()
        }
        return Visitor(page.name, self.request.remote_ip or "", headers, query, ticket)

    def answer(self, page: Page, visitor: Visitor, identity: Identity = NOBODY) -> None:
        """Answer with the page.

        Raises:
            RequestError: no client can be created now.
        """
        secure = self.request.protocol == "https"
        client, configuration, cookie = self.interface.begin(visitor, identity, secure=secure)
        self.set_header("Set-Cookie", cookie)
        try:
            self.finish(self.interface.page(page, configuration))
        except BaseException:
            self.interface.end(client)
            raise


class FrontHandler(ApplicationBase):
    """The front page. If no client can be created, it is a plain list."""

    def get(self) -> None:
        pages = self.interface.dependencies.pages.values()
        page = next((page for page in pages if page.is_front), None)
        if page is None or self.request.method == "HEAD":
            self._finish_list()
            return
        try:
            self.answer(page, self.visitor(page))
        except RequestError:
            self._finish_list()

    head = get

    def _finish_list(self) -> None:
        style = self.interface.assets.address(STYLE)
        self.finish(html.bare_page("thywill", self.interface.front(), [style]))


class PageHandler(ApplicationBase):
    """The page of an application."""

    async def get(self, name: str, slash: str) -> None:
        page = self.interface.dependencies.pages.get(name)
        if page is None or page.is_front:
            self.send_error(404)
        elif not slash:
            query = f"?{self.request.query}" if self.request.query else ""
            self.redirect(f"{name}/{query}")
        elif self.request.method == "HEAD":
            self.finish()  # a HEAD request creates no client
        else:
            await self._answer_or_refuse(page)

    head = get

    async def _answer_or_refuse(self, page: Page) -> None:
        identities = self.interface.identities
        try:
            identity = identities.read(self.get_query_argument("ticket", None), page.name)
            visitor = self.visitor(page, identity.user)
            if identities.must_ask(page.name):
                identity = await identities.ask(visitor, identity.expires)
            self.answer(page, visitor, identity)
        except RequestError as error:
            self.refusal = error.message if isinstance(error, (BadTicket, Failed, Refused)) else ""
            self.send_error(error.status)


class FrameHandler(PageBase):
    """The page for hidden frames in pages of other origins; 404 if no other origin is allowed."""

    def get(self, version: str) -> None:
        frame = self.interface.frame
        if not frame.is_there:
            self.send_error(404)
            return
        self.set_header("Cache-Control", cache_control(is_current=version == frame.version))
        self.set_header("Content-Security-Policy", frame.policy)
        # A page that isolates itself (COEP require-corp) may show only frames that do so as well.
        self.set_header("Cross-Origin-Embedder-Policy", "require-corp")
        self.set_header("Cross-Origin-Resource-Policy", "cross-origin")
        self.finish(frame.text)

    head = get

    def compute_etag(self) -> str | None:
        return RequestHandler.compute_etag(self)


class MissingHandler(PageBase):
    """Answers 404 for every other path."""

    def prepare(self) -> None:
        self.send_error(404)
