"""One message on its way into the log."""

from __future__ import annotations

from typing import NamedTuple

from thywill.core.overflow import Overflow


class Message(NamedTuple):
    """What is sent: encoded JSON, and how it is to be treated.

    Args:
        data: the JSON.
        reply_to: the number of the browser's message that this answers.
        key: with the policy ``conflate``, the waiting message with the same key is replaced. It contains the
            address: the same key elsewhere is another.
        overflow: its policy, decided when it is sent; None for that of the settings.
    """

    data: bytes
    reply_to: int | None = None
    key: str | None = None
    overflow: Overflow | None = None
