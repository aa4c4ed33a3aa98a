"""Which clients belong to which browser."""

from __future__ import annotations

from collections.abc import Sequence

from thywill.hub.client import LiveClient


class Sessions:
    """The live clients of every session.

    Nearly every session has one client, which then stands by itself: a collection for each would take
    several times its memory.
    """

    def __init__(self) -> None:
        self._clients: dict[str, LiveClient | dict[LiveClient, None]] = {}

    def __len__(self) -> int:
        return len(self._clients)

    def add(self, client: LiveClient) -> None:
        """Note that ``client`` is alive."""
        others = self._clients.get(client.session)
        if others is None:
            self._clients[client.session] = client
        elif isinstance(others, dict):
            others[client] = None
        else:
            self._clients[client.session] = {others: None, client: None}

    def remove(self, client: LiveClient) -> None:
        """Note that ``client`` is gone."""
        others = self._clients[client.session]
        if isinstance(others, dict):
            del others[client]
        if others is client or not others:
            del self._clients[client.session]

    def of(self, session: str) -> Sequence[LiveClient]:
        """Return the live clients of ``session``, in the order in which they came."""
        clients = self._clients.get(session)
        if isinstance(clients, dict):
            return list(clients)
        return () if clients is None else (clients,)
