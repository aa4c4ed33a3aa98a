"""The bootstrap: all that a page needs to start its application.

1. A page is requested, and a client is created for it.
2. Each component, and then the application, adds parameters and resources.
3. The browser loads the resources.
4. Meanwhile the browser's transport connects.
5. When both are done, the application starts.

Steps 1 and 2 are here, the others in ``static/thywill/bootstrap.js``.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from thywill.component import Component, Configuration
from thywill.core.user import NOBODY, Identity
from thywill.hub.client import LiveClient
from thywill.hub.hub import Hub

USER_AGENT_LIMIT = 500


class Bootstrap:
    """Creates clients and their configurations.

    Args:
        hub: creates clients.
        parts: the components that add to a configuration, in this order; the application interface is last.
    """

    def __init__(self, hub: Hub, parts: Sequence[Component]) -> None:
        self._hub = hub
        self._parts = parts

    def begin(
        self, application: str, session: str, address: str, user_agent: str, identity: Identity = NOBODY
    ) -> tuple[LiveClient, Configuration]:
        """Return a new client of ``application`` and its configuration.

        Args:
            application: the name of the application.
            session: the id of the browser's session.
            address: the network address of the browser.
            user_agent: the User-Agent header of the browser.
            identity: the user of the client, if there is one.

        Raises:
            RequestError: no client can be created now.
        """
        client = self._hub.create(application, session, address, identity)
        # Interned, since thousands of browsers share a few user agents.
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
        """End a client whose page could not be built."""
        self._hub.leave(client)
