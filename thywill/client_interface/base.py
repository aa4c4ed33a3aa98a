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
from thywill.http.message import Request
from thywill.http.site import Endpoint
from thywill.hub.actions import Actions
from thywill.hub.directory import Directory
from thywill.hub.hub import Hub
from thywill.wire.origins import Origins


@dataclass(frozen=True, slots=True)
class ClientInterfaceSettings:
    """The settings that every client interface has.

    Args:
        origins: other origins whose pages may use the server, such as ``https://example.org``; ``*`` for all.
        secret_file: the file with the secret that signs tokens and sessions; created at the first start.
        session_days: for how many days a browser is recognized.
        transport_in_address: whether ``?transport=NAME`` in the address of our pages forces a transport.
        ticket_secret: what tickets are signed with; without it none is valid.
        live_front_page: whether the front page shows to everybody how many are on each application, and how
            much the server delivers; otherwise it is a list.
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
class Surroundings:
    """What a client interface works with.

    Args:
        bootstrap: makes clients.
        pages: the applications by name.
        origins: which pages may speak to the server.
        signer: signs sessions.
        static: the folder of the browser client.
        handlers: rules of other components for the ``tornado.web.Application``.
        draining: whether the server is about to stop.
        applications: say who a visitor is.
        hub: finds the client of a token.
        actions: changes whom a client belongs to, and ends it.
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
        surroundings: what it works with.
    """

    Settings: ClassVar[type[Any]] = ClientInterfaceSettings

    largest_body: ClassVar[int | None] = 0
    """Bytes that the body of a request to ``application`` may have; None for ``[server] max_body``. A body of
    ``[limits] small_body`` is always read. Pages that take uploads or long forms need more than 0."""

    def __init__(self, settings: Any, surroundings: Surroundings) -> None:
        self.settings = settings
        self.surroundings = surroundings

    def application(self) -> HTTPServerConnectionDelegate:
        """Return what answers every address that has no endpoint."""
        raise NotImplementedError

    def endpoints(self) -> Mapping[bytes, Endpoint]:
        """Return the addresses of the wire that it answers, by path."""
        return {}

    def find(self, request: Request) -> Endpoint | None:
        """Return the endpoint for any other path, or None where ``application`` answers.

        It is asked with a request whose body is not read yet.
        """
        return None
