"""The drain: before a server stops, it asks every browser to come back later."""

from __future__ import annotations

import random
from functools import partial

from thywill.hub.client import LiveClient, guarded
from thywill.hub.directory import Directory


class Drain:
    """Whether the server is about to stop, and when each browser is to come back.

    Args:
        directory: finds the clients.
    """

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._seconds = 0.0
        self.began = False

    def begin(self, seconds: float) -> None:
        """Answer every browser to come back later, spread over ``seconds``."""
        self.began, self._seconds = True, seconds
        for client in list(self._directory.clients.values()):
            guarded(client, partial(self._send_away, client))

    def _send_away(self, client: LiveClient) -> None:
        if client.receiver is not None and client.outbox.entries:
            client.receiver.flush()
        if client.receiver is not None:
            client.receiver.retry(self.wait())

    def wait(self) -> float:
        """Return after how many seconds the next browser is to come back: not all at the same moment."""
        return 1 + random.uniform(0, self._seconds)  # noqa: S311 - spreads load, guards nothing
