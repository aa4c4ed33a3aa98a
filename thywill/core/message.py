"""A message before it has an id."""

from __future__ import annotations

from typing import NamedTuple

from thywill.core.overflow import Overflow


class Message(NamedTuple):
    """What an application sends.

    Args:
        data: the encoded JSON.
        reply_to: the number of the browser's message that this replies to; None if it is no reply.
        key: with the policy ``conflate``, this message replaces the waiting one with the same key. The key
            contains the address, so that messages to different channels never replace each other.
        overflow: what to do where an outbox is full; None means the policy of the settings.
    """

    data: bytes
    reply_to: int | None = None
    key: str | None = None
    overflow: Overflow | None = None
