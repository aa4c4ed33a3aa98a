"""The contract of a push component."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any, ClassVar

import msgspec

from thywill.component import Component, Configuration
from thywill.config import LimitsSettings
from thywill.core.envelope import Item, read_items
from thywill.http.request import Request
from thywill.http.site import Endpoint
from thywill.hub.client import LiveClient
from thywill.hub.hub import Hub
from thywill.wire.origins import Origins

ReadItems = Callable[[msgspec.Raw], list[Item]]
"""Decodes the messages of one request; raises ``TooLarge`` or ``Malformed``."""

Seconds = Annotated[float, msgspec.Meta(gt=0)]


@dataclass(frozen=True, slots=True)
class PushSettings:
    """The settings that every push component has, in seconds.

    Args:
        hold: how long a request waits for a message.
        grace: how long a client without a request is kept; the longest of all components counts.
    """

    hold: Seconds = 25.0
    grace: Seconds = 60.0


@dataclass(frozen=True, slots=True)
class SendLimits:
    """How much a browser may send.

    Args:
        message: bytes of JSON in one message.
        messages: messages in one request.
        shares: how much one address may use: the section ``[limits]``.
    """

    message: int
    messages: int
    shares: LimitsSettings = field(default_factory=LimitsSettings)

    def reader(self) -> ReadItems:
        """Return the function that decodes messages within these limits: see ``read_items``."""
        return partial(read_items, most=self.messages, limit=self.message)


class Push(Component):
    """Carries messages between the hub and browsers.

    Args:
        settings: the component's own section, ``[push.NAME]``.
        hub: holds the live clients.
        origins: which pages may use the server.
        limits: how much a browser may send.
    """

    Settings: ClassVar[type[Any]] = PushSettings

    name: ClassVar[str] = ""
    """The name of the component's other half in the browser client."""

    def __init__(self, settings: PushSettings, hub: Hub, origins: Origins, limits: SendLimits) -> None:
        self.settings = settings
        self.hub = hub
        self.origins = origins
        self.limits = limits
        self.read_items = limits.reader()

    def bootstrap(self, client: LiveClient, configuration: Configuration) -> None:
        """Add this component's name and times to the bootstrap of ``client``'s page."""
        configuration.push.append(self.name)
        # The browser waits for an answer as long as the component with the longest hold.
        hold = max(self.settings.hold, configuration.connection.get("hold", 0))
        configuration.connection["hold"] = hold
        configuration.connection.setdefault("grace", self.hub.grace)

    def drain(self) -> None:
        """The server stops: answer requests that still wait and that the hub has not answered."""

    def endpoints(self) -> Mapping[bytes, Endpoint]:
        """Return this component's endpoints by path."""
        return {}

    def find(self, request: Request) -> Endpoint | None:
        """Return the endpoint for a path that only a pattern matches, or None.

        Args:
            request: its body may not have been read yet.
        """
        return None

    def handlers(self) -> list[Any]:
        """Return the URL rules that this component adds to the ``tornado.web.Application``."""
        return []
