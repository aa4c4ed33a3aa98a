"""One message on its way into the log."""

from __future__ import annotations

from typing import NamedTuple


class Message(NamedTuple):
    """What is sent: encoded JSON, and how it is to be treated.

    Args:
        data: the JSON.
        reply_to: the number of the browser's message that this answers.
    """

    data: bytes
    reply_to: int | None = None
