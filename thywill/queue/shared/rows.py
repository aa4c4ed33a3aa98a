"""The rows of a shared store: clients, servers, the log, and the inbox."""

from __future__ import annotations

import json
from typing import NamedTuple

import msgspec

from thywill.core.message import Address, Message
from thywill.core.server_row import ServerRow


class ClientFacts(msgspec.Struct, array_like=True, frozen=True):
    """The facts about a client that are known when it is created.

    Args:
        session: the id of its browser's session.
        created: when it was created, in seconds since the epoch.
        address: its IP address.
        user_agent: the User-Agent header of its browser.
        extra: its user, JSON (``thywill.core.user.Identity``); empty for nobody.
    """

    session: str
    created: float
    address: str = ""
    user_agent: str = ""
    extra: str = ""


class ClientRow(msgspec.Struct, frozen=True):
    """A client as the store has it.

    Args:
        id, application: the client.
        facts: the facts about it.
        server: the name of the server that has the client; "" if none has it.
        cursor: the id up to which it needs nothing of the log.
        received: the number of its last accepted message.
        handled: the number of its last step that has ended; -1 until ``on_connect`` has ended.
        connected: whether its step ``CONNECTED`` was added to the inbox.
        gone: why it has ended; None if it has not. The row stays until the last step has ended.
        data: ``client.data`` at the end of the step ``handled``, JSON; None if there is none.
        channels: the channels that it is in, each with the id after which it gets the channel's messages.
        left: the channels that it was in: name, after which id, and up to which id. Stays that ended before
            ``cursor`` may be missing.
        trimmed: messages of the log up to this id may be deleted. If it is above ``cursor``, the client may
            have lost messages.
        dropped: the id up to which ``lost`` has all losses; see ``Discard``.
        lost: the client's losses: the id of the last message, and the number of messages.
    """

    id: str
    application: str
    facts: ClientFacts
    server: str
    cursor: int
    received: int
    handled: int
    connected: bool
    gone: str | None
    data: str | None
    channels: dict[str, int]
    left: list[tuple[str, int, int]]
    trimmed: int
    dropped: int = 0
    lost: list[tuple[int, int]] = []


class Heartbeat(msgspec.Struct, frozen=True):
    """The state that a server reports every few seconds.

    Args:
        row: the server. Its name changes at each start.
        applications: the applications that it has.
        secret: a digest of the secret that signs its tokens.
    """

    row: ServerRow
    applications: tuple[str, ...] = ()
    secret: str = ""


class Election(NamedTuple):
    """The leader of an application.

    Args:
        leader: the name of the server.
        fence: the number that its operations carry.
        mine: whether the leader is the server that asked.
    """

    leader: str
    fence: int
    mine: bool


# The log.


class Posted(NamedTuple):
    """A message in the log."""

    application: str
    id: int
    address: Address
    message: Message


class Membership(msgspec.Struct, frozen=True, gc=False):
    """In the log: ``client`` enters ``channel`` and gets its messages after this id, or leaves it.

    Every server remembers one for each client that has come in the last minute, so it is small.
    """

    application: str
    id: int
    client: str
    channel: str
    enters: bool


class Departure(NamedTuple):
    """In the log: ``client`` has ended, with the ``reason`` for its page."""

    application: str
    id: int
    client: str
    reason: str


class Rewound(NamedTuple):
    """In the log: the store was rolled back, and has lost entries before this one that were confirmed.

    Nobody knows which clients the lost entries concerned. So all clients that were there before this id have
    ended.
    """

    application: str
    id: int
    reason: str


class Trimming(NamedTuple):
    """In the log: the log is too long, so its entries up to the id ``up_to`` will be deleted."""

    application: str
    id: int
    up_to: int


LogEntry = Posted | Membership | Departure | Rewound | Trimming


# The inbox.


class InboxEntry(NamedTuple):
    """A step that the leader has to run.

    Args:
        id: the entry's id in the inbox, for ``read_inbox`` and ``Finish``.
        client: the client's id.
        number: the number of the step, see ``thywill.hub.step``.
        item: the message as JSON on the wire. For ``CONNECTED`` the client's ``ClientFacts``, by
            ``encode_facts``. Empty for ``DISCONNECTED``.
    """

    id: str
    client: str
    number: int
    item: bytes


def encode_facts(facts: ClientFacts) -> bytes:
    """Return ``facts`` as JSON in ASCII, for the inbox."""
    return json.dumps(msgspec.to_builtins(facts), separators=(",", ":")).encode()


def decode_facts(item: bytes) -> ClientFacts:
    """Return the facts that ``encode_facts`` encoded."""
    return msgspec.json.decode(item, type=ClientFacts)
