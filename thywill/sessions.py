"""Which clients belong to which browser."""

from __future__ import annotations

from collections.abc import Iterable

from thywill.client import LiveClient


class Sessions:
    """The live clients of every session.

    Nearly every session has one client, so each is a tuple: a set would take ten times its memory.
    """

    def __init__(self) -> None:
        self._clients: dict[str, tuple[LiveClient, ...]] = {}

    def add(self, client: LiveClient) -> None:
        """Note that ``client`` is alive."""
        self._clients[client.session] = (*self._clients.get(client.session, ()), client)

    def remove(self, client: LiveClient) -> None:
        """Note that ``client`` is gone."""
        others = tuple(each for each in self._clients[client.session] if each is not client)
        if others:
            self._clients[client.session] = others
        else:
            del self._clients[client.session]

    def of(self, session: str) -> Iterable[LiveClient]:
        """Return the live clients of ``session``."""
        return self._clients.get(session, ())
