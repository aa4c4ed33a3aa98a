"""Makes sure that executed operations are safe, as the setting ``safe`` asks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from redis.exceptions import ResponseError

from thywill.queue.redis.link import ANSWER, Command
from thywill.queue.redis.options import Safe
from thywill.queue.shared.base import StoreUnavailable

WAIT = round(ANSWER * 1000) - 1000
"""Milliseconds that Redis may wait for its disk, or for a replica."""


class Safety:
    """The commands that follow a batch to make sure that it is safe.

    Args:
        safe: the setting.

    ``always_on_disk`` says that Redis itself writes each command to the disk before it answers
    (``appendfsync always``); then no command has to follow.
    """

    def __init__(self, safe: Safe) -> None:
        self.safe = safe
        self.always_on_disk = False

    @property
    def commands(self) -> Sequence[Command]:
        """The commands that follow each batch."""
        if self.safe is Safe.REPLICAS:
            return (("WAIT", 1, WAIT),)
        if self.safe is Safe.DISK and not self.always_on_disk:
            return (("WAITAOF", 1, 0, WAIT),)
        return ()

    def check(self, answers: Sequence[Any]) -> None:
        """Check the answers to ``commands``.

        Raises:
            StoreUnavailable: the batch was executed, but is not safe.
        """
        for answer in answers:
            if isinstance(answer, ResponseError):
                raise StoreUnavailable(f"Redis cannot make the queue safe: {answer}", unsure=True)
            count = answer[0] if isinstance(answer, list) else answer
            if int(count) < 1:
                where = "on its disk" if self.safe is Safe.DISK else "on any replica"
                raise StoreUnavailable(f"Redis did not store the messages {where} in time", unsure=True)
