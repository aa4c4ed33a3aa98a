"""The contract of an application interface."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from thywill.component import Component, Configuration, NoSettings
from thywill.core.envelope import Item
from thywill.hub.client import LiveClient
from thywill.hub.hub import Hub


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


class ApplicationInterface(Component):
    """Tells applications what clients do; a ``thywill.hub.contracts.Listener``.

    Args:
        settings: the section ``[application_interface]``.
        hub: where clients live.
        message: how large a message may be, in bytes of JSON.
    """

    Settings: ClassVar[type[Any]] = NoSettings

    def __init__(self, settings: Any, hub: Hub, message: int) -> None:
        self.settings = settings
        self.hub = hub
        self.message = message

    def packages(self) -> Iterable[str]:
        """Return the names of the packages whose loggers belong into the log."""
        return ()

    def pages(self) -> Mapping[str, Page]:
        """Return the applications by name, in the order in which they are listed."""
        raise NotImplementedError

    def bootstrap(self, client: LiveClient, configuration: Configuration) -> None:
        """Let the client's application add its parameters and resources."""
        raise NotImplementedError

    def connected(self, client: LiveClient) -> None:
        """``client`` has polled for the first time."""
        raise NotImplementedError

    def resumed(self, client: LiveClient) -> None:
        """The server was restarted, and ``client`` goes on: call ``on_resume``."""
        raise NotImplementedError

    def received(self, client: LiveClient, items: Sequence[Item]) -> None:
        """``client`` sent ``items``; count ``client.pending`` down as they are handled."""
        raise NotImplementedError

    def disconnected(self, client: LiveClient) -> None:
        """``client``, which had connected, is gone."""
        raise NotImplementedError
