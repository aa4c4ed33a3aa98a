"""Saves in the store which messages clients lose because the log is too long.

A server to which a client moves later can then tell its page how many messages were lost.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from thywill.core.log import Waiting
from thywill.hub.client import LiveClient
from thywill.queue.shared.operations import Discard
from thywill.queue.shared.pipeline import Pipeline


class Losses:
    """Saves the losses of this server's clients.

    Args:
        pipeline: executes the operations.
        name: the name of this server.
    """

    def __init__(self, pipeline: Pipeline, name: str) -> None:
        self._pipeline = pipeline
        self._name = name

    def discarded(self, client: LiveClient, up_to: int, dropped: Sequence[Waiting]) -> None:
        """Save that ``client`` has lost ``dropped``, all its messages up to the id ``up_to``."""
        # If a loss of a full outbox follows immediately, it was merged with these losses.
        first = takewhile(lambda item: item.lost, client.outbox.entries)
        lost = [(item.id, item.lost) for item in first]
        reach = max(up_to, *(last for last, _ in lost)) if lost else up_to
        ids = [item.id for item in dropped]
        operation = Discard(client.application, client.id, self._name, reach, ids, lost)
        self._pipeline.submit(operation, keep=True)
