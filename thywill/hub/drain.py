"""The drain: before a server stops, it asks every browser to come back later."""

from __future__ import annotations

import random
from functools import partial

from thywill.hub.client import LiveClient, guarded
from thywill.hub.directory import Directory

CLIENTS_PER_SECOND = 1000
"""How many browsers are asked to come back per second after a restart."""
MOVE = 0.1
"""Seconds after which the first browser of a server that stops asks another one."""
MOVES_PER_SECOND = 5000
"""How many browsers are sent to the other servers per second."""


class Drain:
    """Whether the server is about to stop, and when each browser is to come back.

    Args:
        directory: finds the clients.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._first = 1.0
        self._seconds = 0.0
        self.began = False

    def begin(self, seconds: float, first: float = 1.0) -> None:
        """Answer every browser to come back later: after ``first`` seconds and up to ``seconds`` more."""
        self.began, self._first, self._seconds = True, first, seconds
        for client in list(self._directory.clients.values()):
            guarded(client, partial(self._send_away, client))

    def begin_at_a_rate(self, *, others_serve: bool) -> None:
        """Answer every browser to come back later, so many in each second as the next server can take.

        Args:
            others_serve: whether other servers take them now; else they wait for the next server.
        """
        first, rate = (MOVE, MOVES_PER_SECOND) if others_serve else (1.0, CLIENTS_PER_SECOND)
        self.begin(len(self._directory) / rate, first)

    def _send_away(self, client: LiveClient) -> None:
        if client.receiver is not None and client.outbox.entries:
            client.receiver.flush()
        if client.receiver is not None:
            client.receiver.retry(self.wait())

    def wait(self) -> float:
        """Return after how many seconds the next browser is to come back: not all at the same moment."""
        return self._first + random.uniform(0, self._seconds)  # noqa: S311 - spreads load, guards nothing
