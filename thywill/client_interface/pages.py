"""The pages of applications as endpoints. Only the bootstrap, which differs for each client, is made anew.

GET /chat/      creates a client; the rest of the page is in memory, plain and as gzip
HEAD /chat/     and all other methods and paths are left to Tornado's handlers (``tornado.py``)
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol
from urllib.parse import parse_qsl

from thywill.application_interface.base import Page
from thywill.client_interface import html
from thywill.client_interface.files import accepts_gzip
from thywill.client_interface.identities import Identities
from thywill.client_interface.precompressed import PrecompressedTemplate
from thywill.client_interface.ttl_cache import TtlCache
from thywill.component import Configuration
from thywill.core.user import Identity, Visitor
from thywill.errors import BadTicket, Failed, Refused, RequestError
from thywill.http.message import REASONS, Reply
from thywill.http.request import Request
from thywill.hub.client import LiveClient

log = logging.getLogger(__name__)

FIELDS = 100
"""How many fields of a page's query are read; no real address has more."""
HTML = (
    b"Content-Type: text/html; charset=UTF-8\r\nX-Content-Type-Options: nosniff\r\n"
    b"Cache-Control: no-store\r\nVary: Accept-Encoding\r\n"
)


class PageBuilder:
    """Makes pages. The HTML around the bootstrap is made again only when one of its files has changed.

    Args:
        around: returns the HTML before and after the bootstrap, for a page and its styles.
        bootstrap: returns the bootstrap of a page, as an object for JSON.
    """

    def __init__(
        self,
        around: Callable[[Page, list[str]], tuple[str, str]],
        bootstrap: Callable[[Page, Configuration], dict[str, Any]],
    ) -> None:
        self._around = around
        self._bootstrap = bootstrap
        self._cache = TtlCache()
        self._known: dict[str, PrecompressedTemplate] = {}

    def page(self, page: Page, configuration: Configuration) -> tuple[PrecompressedTemplate, bytes]:
        """Return the HTML of ``page`` around its bootstrap, and the bootstrap with ``configuration``."""
        styles = tuple(configuration.styles)
        template = self._cache.get((page.name, styles), lambda: self._template(page, list(styles)))
        return template, html.bootstrap_of(self._bootstrap(page, configuration))

    def _template(self, page: Page, styles: list[str]) -> PrecompressedTemplate:
        before, after = (text.encode() for text in self._around(page, styles))
        known = self._known.get(page.name)
        if known is None or (known.before, known.after) != (before, after):
            known = self._known[page.name] = PrecompressedTemplate(before, after)
        return known


class Interface(Protocol):
    """The part of the client interface that the endpoint of a page uses."""

    identities: Identities
    page_policy: str
    page_builder: PageBuilder

    def begin(
        self, visitor: Visitor, identity: Identity, *, secure: bool
    ) -> tuple[LiveClient, Configuration, str]:
        """Return a new client, its configuration, and the session cookie for its browser."""
        ...

    def end(self, client: LiveClient) -> None:
        """End a client whose page could not be made."""
        ...

    def refused(self, page: Page, status: int, reason: str) -> str:
        """Return the HTML that is sent instead of ``page``, with the HTTP status and the reason."""
        ...

    def run(self, task: asyncio.Task[None]) -> None:
        """Let the server wait for ``task`` before it stops."""
        ...


class PageEndpoint:
    """Answers with the page of one application.

    Args:
        interface: the client interface.
        page: the page.
    """

    def __init__(self, interface: Interface, page: Page) -> None:
        self._interface = interface
        self._page = page
        self._head = HTML + b"Content-Security-Policy: %b\r\n" % interface.page_policy.encode()

    def body_limit(self, request: Request) -> int:
        """Return 0, since no large body is needed; see ``thywill.http.site.Endpoint``."""
        return 0

    def __call__(self, request: Request, reply: Reply) -> None:
        identities, name = self._interface.identities, self._page.name
        query = _query(request)
        try:
            known = identities.read(query.get("ticket"), name)
        except RequestError as error:
            self._refuse(error, request, reply)
            return
        headers = {name.decode("latin-1").lower(): text.decode("latin-1") for name, text in request.headers}
        visitor = Visitor(name, request.peer, headers, query, known.user)
        if identities.must_ask(name):
            asking = self._ask_and_answer(visitor, known, request, reply)
            self._interface.run(asyncio.get_running_loop().create_task(asking))
        else:
            self._answer(visitor, known, request, reply)

    async def _ask_and_answer(
        self, visitor: Visitor, known: Identity, request: Request, reply: Reply
    ) -> None:
        try:
            identity = await self._interface.identities.ask(visitor, known.expires)
        except Exception as error:  # noqa: BLE001 - _refuse logs unexpected errors
            self._refuse(error, request, reply)
        else:
            self._answer(visitor, identity, request, reply)

    def _answer(self, visitor: Visitor, identity: Identity, request: Request, reply: Reply) -> None:
        try:
            self._make(visitor, identity, request, reply)
        except Exception as error:  # noqa: BLE001 - _refuse logs unexpected errors
            self._refuse(error, request, reply)

    def _make(self, visitor: Visitor, identity: Identity, request: Request, reply: Reply) -> None:
        interface = self._interface
        client, configuration, cookie = interface.begin(visitor, identity, secure=request.scheme == "https")
        try:
            template, bootstrap = interface.page_builder.page(self._page, configuration)
        except BaseException:
            interface.end(client)
            raise
        head = self._head + b"Set-Cookie: %b\r\n" % cookie.encode()
        if accepts_gzip(request):
            reply.send(200, template.zipped(bootstrap), head + b"Content-Encoding: gzip\r\n")
        else:
            reply.send(200, template.plain(bootstrap), head)

    def _refuse(self, error: Exception, request: Request, reply: Reply) -> None:
        status, reason = 500, ""
        if isinstance(error, RequestError):
            # A visitor who gets no client still gets the front page, as a plain list.
            status = 200 if self._page.is_front else error.status
            reason = error.message if isinstance(error, (BadTicket, Failed, Refused)) else ""
        else:
            log.error("an error in the page of %s", self._page.name, exc_info=error)
        text = self._interface.refused(self._page, status, reason or REASONS[status].decode())
        reply.send(status, text.encode(), self._head)


def _query(request: Request) -> dict[str, str]:
    if b"?" not in request.target:
        return {}
    text = request.target.partition(b"?")[2].decode("latin-1")
    return dict(parse_qsl(text, keep_blank_values=True)[:FIELDS])
