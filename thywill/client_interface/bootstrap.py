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

from thywill.component import Component, Configuration
from thywill.hub.client import LiveClient
from thywill.hub.hub import Hub

USER_AGENT_LIMIT = 500


class Bootstrap:
    """Makes clients and tells them what they have to know.

    Args:
        hub: where clients live.
        parts: who adds to the configuration, in this order; the application interface comes last.
    """

    def __init__(self, hub: Hub, parts: Sequence[Component]) -> None:
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
