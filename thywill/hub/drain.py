"""The drain: before a server stops, it asks every browser to come back later."""

from __future__ import annotations

import random
from functools import partial

from thywill.hub.client import LiveClient, guarded
from thywill.hub.directory import Directory

CLIENTS_PER_SECOND = 1000
"""How many browsers a second are asked to come back to the next server."""
MOVE = 0.1
"""Seconds after which the first browser asks another server of the cluster."""
MOVES_PER_SECOND = 5000
"""How many browsers a second are sent to the other servers of the cluster."""


class Drain:
    """Knows whether the server is about to stop, and when each browser is to come back.

    Args:
        directory: finds the clients.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._first = 1.0
        self._seconds = 0.0
        self.began = False

    def begin(self, seconds: float, first: float = 1.0) -> None:
        """Ask every browser to come back after ``first`` seconds and up to ``seconds`` more."""
        self.began, self._first, self._seconds = True, first, seconds
        for client in list(self._directory.clients.values()):
            guarded(client, partial(self._ask_to_return, client))

    def begin_at_a_rate(self, *, others_serve: bool) -> None:
        """Ask every browser to come back, no more in each second than a server can take.

        Args:
            others_serve: whether other servers of a cluster take them now; otherwise they wait for the next
                server.
        """
        first, rate = (MOVE, MOVES_PER_SECOND) if others_serve else (1.0, CLIENTS_PER_SECOND)
        self.begin(len(self._directory) / rate, first)

    def _ask_to_return(self, client: LiveClient) -> None:
        if client.receiver is not None and client.outbox.entries:
            client.receiver.flush()
        if client.receiver is not None:
            client.receiver.retry(self.wait())

    def wait(self) -> float:
        """Return after how many seconds the next browser is to come back; random, to spread the load."""
        return self._first + random.uniform(0, self._seconds)  # noqa: S311 - spreads load, guards nothing
