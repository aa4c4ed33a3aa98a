"""Saves in the store what clients lose because the log is too long, for the servers that they come to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from thywill.core.log import Waiting
from thywill.hub.client import LiveClient
from thywill.queue.shared.operations import Discard
from thywill.queue.shared.pipeline import Pipeline


class Losses:
    """What the clients of this server lose.

    Args:
        pipeline: executes the operations.
        name: the name of this server.
    """

    def __init__(self, pipeline: Pipeline, name: str) -> None:
        self._pipeline = pipeline
        self._name = name

    def discarded(self, client: LiveClient, up_to: int, dropped: Sequence[Waiting]) -> None:
        """``client`` has lost the messages ``dropped``, all that it had up to the id ``up_to``."""
        # A loss that follows at once, of a full outbox, has been merged with these.
        first = takewhile(lambda item: item.lost, client.outbox.entries)
        lost = [(item.id, item.lost) for item in first]
        reach = max(up_to, *(last for last, _ in lost)) if lost else up_to
        ids = [item.id for item in dropped]
        operation = Discard(client.application, client.id, self._name, reach, ids, lost)
        self._pipeline.submit(operation, keep=True)
