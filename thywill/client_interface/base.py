"""The contract of a client interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from tornado.httputil import HTTPServerConnectionDelegate

from thywill.application_interface.base import ApplicationInterface, Page
from thywill.client_interface.bootstrap import Bootstrap
from thywill.component import Component
from thywill.core.origin import normalize
from thywill.core.signing import Signer
from thywill.errors import SettingsError
from thywill.http.request import Request
from thywill.http.site import Endpoint
from thywill.hub.actions import Actions
from thywill.hub.directory import Directory
from thywill.hub.hub import Hub
from thywill.wire.origins import Origins


@dataclass(frozen=True, slots=True)
class ClientInterfaceSettings:
    """The settings that every client interface has.

    Args:
        origins: other origins whose pages may use the server, such as ``https://example.org``; ``*`` is all.
        secret_file: the file with the secret that signs tokens and sessions; created at the first start.
        session_days: for how many days a browser is recognized.
        transport_in_address: whether ``?transport=NAME`` in the address of our pages forces a transport.
        ticket_secret: the secret that tickets are signed with; without it no ticket is valid.
        live_front_page: whether the front page shows everybody how many people use each application and how
            much the server delivers; otherwise it is a plain list.
    """

    origins: list[str] = field(default_factory=list)
    secret_file: str = "secret"  # noqa: S105 - a file's name
    session_days: float = 30.0
    transport_in_address: bool = False
    live_front_page: bool = True
    ticket_secret: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        for text in self.origins:
            try:
                normalize(text)
            except ValueError as error:
                raise SettingsError(f"[client_interface] origins: {text!r} is no origin: {error}") from None


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The other parts of the server that a client interface needs.

    Args:
        bootstrap: creates clients.
        pages: the pages of applications, by name.
        origins: decides which pages may use the server.
        signer: signs session cookies.
        static: the folder of the browser client.
        handlers: rules of other components for the ``tornado.web.Application``.
        draining: returns whether the server is about to stop.
        applications: says who a visitor is.
        hub: finds the client of a token.
        actions: changes the user of a client, and ends clients.
        directory: the clients.
    """

    bootstrap: Bootstrap
    pages: Mapping[str, Page]
    origins: Origins
    signer: Signer
    static: Path
    handlers: Sequence[Any]
    draining: Callable[[], bool]
    applications: ApplicationInterface
    hub: Hub
    actions: Actions
    directory: Directory


class ClientInterface(Component):
    """Serves pages, static files and the first steps of the wire.

    Args:
        settings: the section ``[client_interface]``.
        dependencies: the other parts of the server.
    """

    Settings: ClassVar[type[Any]] = ClientInterfaceSettings

    largest_body: ClassVar[int | None] = 0
    """The largest body of a request to ``application``, in bytes; None stands for ``[server] max_body``. A
    body of at most ``[limits] small_body`` is always read. Uploads and long forms need more than 0."""

    def __init__(self, settings: Any, dependencies: Dependencies) -> None:
        self.settings = settings
        self.dependencies = dependencies

    def application(self) -> HTTPServerConnectionDelegate:
        """Return the Tornado application that answers every path without an endpoint."""
        raise NotImplementedError

    def endpoints(self) -> Mapping[bytes, Endpoint]:
        """Return the endpoints of the wire that the client interface has, by path."""
        return {}

    def find(self, request: Request) -> Endpoint | None:
        """Return the endpoint for any other path, or None if ``application`` has to answer.

        Args:
            request: the request, whose body is not read yet.
        """
        return None
