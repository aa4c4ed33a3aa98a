"""The contract of an application interface."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from thywill.component import Component, Configuration, NoSettings
from thywill.hub.client import LiveClient
from thywill.hub.hub import Hub
from thywill.hub.ports import Listener


@dataclass(frozen=True, slots=True)
class Page:
    """What the client interface has to know of an application.

    Args:
        name: the name in its address.
        title: for people.
        static: the folder of its files.
        fragment: the file with the page's content, or None.
    """

    name: str
    title: str
    static: Path
    fragment: Path | None


class ApplicationInterface(Component, Listener):
    """Runs applications, and tells them what clients do.

    ``thywill.hub.ports.Listener`` has the four methods by which the hub tells of that.

    Args:
        settings: the section ``[application_interface]``.
        hub: where clients live.
        message: how large a message may be, in bytes of JSON.
        stop_timeout: how many seconds hooks have to end when the server stops.
    """

    Settings: ClassVar[type[Any]] = NoSettings

    def __init__(self, settings: Any, hub: Hub, message: int, stop_timeout: float) -> None:
        self.settings = settings
        self.hub = hub
        self.message = message
        self.stop_timeout = stop_timeout

    @classmethod
    def packages(cls, settings: Any) -> Iterable[str]:
        """Return the packages of the applications in ``settings``, whose loggers belong into the log."""
        return ()

    def pages(self) -> Mapping[str, Page]:
        """Return the applications by name, in the order in which they are listed."""
        raise NotImplementedError

    def bootstrap(self, client: LiveClient, configuration: Configuration) -> None:
        """Let the client's application add its parameters and resources."""
        raise NotImplementedError

    def resumed(self, client: LiveClient) -> None:
        """Do nothing: what an application keeps in memory of a client is its own affair."""
