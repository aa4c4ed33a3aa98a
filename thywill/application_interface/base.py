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
        message: how many bytes of JSON a message may have.
        stop_timeout: how many seconds hooks have to end when the server stops.
        applications: what runs beside the applications of the settings, such as the front page.
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
        """Return the packages of the applications in ``settings``; their loggers write into the log."""
        return ()

    @classmethod
    def load(cls, kind: type[Any], arguments: tuple[Any, ...] = ()) -> Loaded:
        """Return the application with the class ``kind``, checked as those of the settings are.

        Args:
            kind: the class.
            arguments: what its constructor takes.

        Raises:
            SettingsError: the class has a wrong hook, or misses a file.
        """
        raise NotImplementedError

    def pages(self) -> Mapping[str, Page]:
        """Return the applications by name, in the order in which they are listed."""
        raise NotImplementedError

    def bootstrap(self, client: LiveClient, configuration: Configuration) -> None:
        """Let the client's application add its parameters and resources."""
        raise NotImplementedError

    def authenticates(self, application: str) -> bool:
        """Tell whether ``application`` decides itself who a visitor is; otherwise a ticket does."""
        return False

    async def authenticate(self, visitor: Visitor) -> User | None:
        """Ask the application who ``visitor`` is.

        Raises:
            Refused: the visitor gets no client.
            Failed: the application has failed.
            Unavailable: it has not answered in time.
        """
        return visitor.ticket

    def overflow_of(self, application: str, address: Address) -> Overflow | None:
        """Return what ``application`` wants for messages from outside to ``address`` where an outbox is full.

        None leaves it to ``[queue] overflow``.
        """
        return None

    async def lead(self, name: str, actions: Actions) -> None:
        """Start one application: this server runs its hooks from now on. Only with a queue that is shared.

        What it had in memory when this server led it before does not count any more.

        Args:
            name: the application.
            actions: what it can do, in place of the actions of the constructor.

        Raises:
            SettingsError: the application fails.
        """
        raise NotImplementedError

    async def abandon(self, name: str) -> None:
        """Stop one application at once: another server runs its hooks, and the interrupted steps again."""
        raise NotImplementedError

    def resumed(self, client: LiveClient) -> None:
        """Do nothing, for interfaces whose applications keep nothing in memory about a client."""
