"""A message before it has an id, and whom it is for."""

from __future__ import annotations

from typing import NamedTuple

from thywill.core.overflow import Overflow
from thywill.errors import UnsendableMessage

PACK = -1
"""Stands in ``Message.reply_to`` for a pack: an array of messages, which the browser delivers one by one."""

PRESENCE = -2
"""Stands there for an event of who has joined a channel and who has left it."""

KEY = 200
"""Characters of a key at most."""


class Address(NamedTuple):
    """Whom a message is for: one client, every client of a session or of a user, or every one in a channel.

    Args:
        kind: ``client``, ``session``, ``user`` or ``channel``.
        name: the id of the client, the session or the user, or the channel's name.
    """

    kind: str
    name: str

    @classmethod
    def client(cls, name: str) -> Address:
        """Address one client by its id."""
        return cls("client", name)

    @classmethod
    def session(cls, name: str) -> Address:
        """Address every client of one browser."""
        return cls("session", name)

    @classmethod
    def user(cls, name: str) -> Address:
        """Address every client of one user."""
        return cls("user", name)

    @classmethod
    def channel(cls, name: str) -> Address:
        """Address every client in the channel ``name``."""
        return cls("channel", name)

    def keyed(self, key: str) -> str:
        """Return ``key`` as the queues know it: the same key at another address is another one.

        Raises:
            UnsendableMessage: it is no text, or too long.
        """
        if not isinstance(key, str) or len(key) > KEY:
            raise UnsendableMessage(f"its key must be a text of {KEY} characters at the most")
        return f"{self.kind} {self.name!r} {key!r}"


class Message(NamedTuple):
    """What an application sends.

    Args:
        data: the encoded JSON.
        reply_to: the number of the browser's message that this replies to; None if it is no reply, and
            ``PACK`` for a pack.
        key: with the policy ``conflate``, this message replaces the waiting one with the same key. The key
            contains the address, so that messages to different channels never replace each other.
        overflow: what to do where an outbox is full; None means the policy of the settings.
        exclude: the id of the client that does not get it, though it is in the channel.
    """

    data: bytes
    reply_to: int | None = None
    key: str | None = None
    overflow: Overflow | None = None
    exclude: str | None = None
