"""A message before it has an id, and the address of its receivers."""

from __future__ import annotations

from typing import NamedTuple

from thywill.core.overflow import Overflow
from thywill.errors import UnsendableMessage

PACK = -1
"""The value of ``Message.reply_to`` for a pack: an array of messages that the browser delivers one by one."""

PRESENCE = -2
"""The value of ``Message.reply_to`` for an event about people who join and leave a channel."""

KEY = 200
"""How many characters a key may have."""


class Address(NamedTuple):
    """The receivers of a message: one client, all clients of a session or a user, or all in a channel.

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
        """Return ``key`` together with this address, so that equal keys of other addresses differ.

        Raises:
            UnsendableMessage: the key is no text, or too long.
        """
        if not isinstance(key, str) or len(key) > KEY:
            raise UnsendableMessage(f"its key must be a text of {KEY} characters at the most")
        return f"{self.kind} {self.name!r} {key!r}"


class Message(NamedTuple):
    """A message that an application sends.

    Args:
        data: the encoded JSON.
        reply_to: the number of the browser's message that this replies to; ``PACK``; ``PRESENCE``; or None.
        key: with the policy ``conflate``, this message replaces the waiting one with the same key. The key
            contains the address, so that messages to different channels never replace each other.
        overflow: what to do if an outbox is full; None means the policy of the settings.
        exclude: the id of a client in the channel that does not get the message.
    """

    data: bytes
    reply_to: int | None = None
    key: str | None = None
    overflow: Overflow | None = None
    exclude: str | None = None
