"""The bootstrap: what a page is told so that its application can start.

1. The page is requested, and a client is made for it.
2. Each component, and then the application, adds its parameters and resources, in order.
3. The browser loads the resources.
4. The push component's part in the browser connects, meanwhile.
5. The application starts when both are ready.

The first two steps are here, the other three in ``static/thywill/bootstrap.js``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from thywill.hub.client import LiveClient
from thywill.hub.hub import Hub

USER_AGENT_LIMIT = 500


@dataclass(slots=True)
class Configuration:
    """What one client is told.

    Args:
        connection: what ``connect`` answers: the client, its token, the times and limits.
        parameters: for the application's code in the browser; JSON.
        scripts, styles: what the page loads, in order: ``area/file`` of a static folder (the area is an
            application's name), or a whole address.
        push: the names of the push components, best first.
    """

    connection: dict[str, Any]
    parameters: dict[str, Any] = field(default_factory=dict)
    scripts: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    push: list[str] = field(default_factory=list)


class Bootstrapping(Protocol):
    """A part that has something to tell the browser."""

    def bootstrap(self, client: Any, configuration: Configuration) -> None:
        """Add to ``configuration``."""
        ...


class Bootstrap:
    """Makes clients and tells them what they have to know.

    Args:
        hub: where clients live.
        parts: who adds to the configuration, in this order; the application interface comes last.
    """

    def __init__(self, hub: Hub, parts: Sequence[Bootstrapping]) -> None:
        self._hub = hub
        self._parts = parts

    def begin(
        self, application: str, session: str, address: str, user_agent: str
    ) -> tuple[LiveClient, Configuration]:
        """Return a new client of ``application`` and its configuration."""
        client = self._hub.create(application, session)
        client.address = address
        # Thousands of browsers share a few user agents.
        client.user_agent = sys.intern(user_agent[:USER_AGENT_LIMIT])
        configuration = Configuration(
            {"client": client.id, "token": client.token, "cursor": client.outbox.cursor}
        )
        try:
            for part in self._parts:
                part.bootstrap(client, configuration)
        except BaseException:
            self.end(client)
            raise
        return client, configuration

    def end(self, client: LiveClient) -> None:
        """Forget a client whose page could not be made."""
        self._hub.leave(client)
