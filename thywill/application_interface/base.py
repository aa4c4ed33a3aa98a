"""The contract of an application interface."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from thywill.application import Application
from thywill.component import Component, Configuration, NoSettings
from thywill.core.message import Address
from thywill.core.overflow import Overflow
from thywill.core.user import User, Visitor
from thywill.hub.actions import Actions
from thywill.hub.client import LiveClient
from thywill.hub.ports import Listener


@dataclass(frozen=True, slots=True)
class Page:
    """What the client interface needs to serve the page of an application.

    Args:
        name: the name in its address.
        title: the title that people see.
        static: the folder with its files.
        fragment: the file with the HTML of the page's body, or None.
        description: one sentence for the front page.
        icon: a file in ``static``, or an empty text.
        home: the address of the front page from this page, for the header; empty for a page without a header.
        is_front: whether this is the front page itself, which is served at ``/``.
    """

    name: str
    title: str
    static: Path
    fragment: Path | None
    description: str = ""
    icon: str = ""
    home: str = "../"
    is_front: bool = False


class Loaded(NamedTuple):
    """An application's class, its page, and the arguments for its constructor."""

    kind: type[Application]
    page: Page
    arguments: tuple[Any, ...] = ()


class ApplicationInterface(Component, Listener):
    """Runs applications.

    The hub calls the methods of ``thywill.hub.ports.Listener`` when a client does something.

    Args:
        settings: the section ``[application_interface]``.
        actions: what applications can do.
        message: the largest message, in bytes of JSON.
        stop_timeout: seconds that hooks may take to end when the server stops.
        applications: those that run beside the applications of the settings, such as the front page.
    """

    Settings: ClassVar[type[Any]] = NoSettings

    def __init__(
        self,
        settings: Any,
        actions: Actions,
        message: int,
        stop_timeout: float,
        applications: Iterable[Loaded] = (),
    ) -> None:
        self.settings = settings
        self.actions = actions
        self.message = message
        self.stop_timeout = stop_timeout
        self.applications = applications

    @classmethod
    def packages(cls, settings: Any) -> Iterable[str]:
        """Return the packages of the applications in ``settings``, whose loggers write into the log."""
        return ()

    @classmethod
    def names(cls, settings: Any) -> Iterable[str]:
        """Return the names of the applications in ``settings``, where these say them, without loading any."""
        return ()

    @classmethod
    def load(cls, kind: type[Any], arguments: tuple[Any, ...] = ()) -> Loaded:
        """Return the application with the class ``kind``, checked as applications of the settings are.

        Args:
            kind: the class.
            arguments: the arguments of its constructor.

        Raises:
            SettingsError: the class has a wrong hook, or names a file that does not exist.
        """
        raise NotImplementedError

    def pages(self) -> Mapping[str, Page]:
        """Return the applications by name, in the order in which they are listed."""
        raise NotImplementedError

    def bootstrap(self, client: LiveClient, configuration: Configuration) -> None:
        """Let the client's application add its parameters and resources."""
        raise NotImplementedError

    def authenticates(self, application: str) -> bool:
        """Return whether ``application`` overrides ``authenticate``; otherwise only a ticket names a user."""
        return False

    async def authenticate(self, visitor: Visitor) -> User | None:
        """Ask the application who ``visitor`` is.

        Raises:
            Refused: the visitor gets no client.
            Failed: the hook has raised an exception.
            Unavailable: the hook has not ended in time.
        """
        return visitor.ticket

    def overflow_of(self, application: str, address: Address) -> Overflow | None:
        """Return the overflow policy of ``application`` for a message from outside to ``address``.

        None stands for ``[queue] overflow``.
        """
        return None

    async def lead(self, name: str, actions: Actions) -> None:
        """Start one application: from now on this server runs its hooks. Called only with a shared queue.

        The application is a new object, even if this server has led it before.

        Args:
            name: the name of the application.
            actions: what it can do, in place of the actions of the constructor.

        Raises:
            SettingsError: the application's constructor or ``on_start`` has failed.
        """
        raise NotImplementedError

    async def abandon(self, name: str) -> None:
        """Stop one application at once: another server runs its hooks now, and repeats interrupted steps."""
        raise NotImplementedError

    def resumed(self, client: LiveClient) -> None:
        """Do nothing, for interfaces whose applications keep nothing in memory about a client."""
