"""The rows of a shared store: clients, servers, the log, and the inbox."""

from __future__ import annotations

import json
from typing import NamedTuple

import msgspec

from thywill.core.message import Address, Message
from thywill.core.server_row import ServerRow


class ClientFacts(msgspec.Struct, array_like=True, frozen=True):
    """What is known of a client when it is created.

    Args:
        session: the id of its browser's session.
        created: when it was created, in seconds since the epoch.
        address: its IP address.
        user_agent: the name of its browser.
        extra: further facts, JSON.
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
        facts: what is known of it.
        server: the name of the server that it is with; "" if it is with none.
        cursor: the id up to which it needs nothing of the log.
        received: the number of the last of its messages that was accepted.
        handled: the number of its last step that has ended; -1 until ``on_connect`` has ended.
        connected: whether its step ``CONNECTED`` is, or has been, in the inbox.
        gone: why it has ended, if it has. Its row stays until its last step has ended.
        data: ``client.data`` at the end of the step ``handled``, JSON; None if there is none.
        channels: the channels that it is in, each with the id after which it gets the channel's messages.
        left: channels that it was in: name, after which id, and up to which id. Those that lie below
            ``cursor`` may be missing.
        trimmed: messages of the log up to this id may be deleted. Where it is above ``cursor``, the client
            may have lost some.
        dropped: up to this id the server that it was with knew what it had lost; see ``Discard``.
        lost: each of these losses: the id of the last message, and how many it were.
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
    """What a server tells the others every few seconds.

    Args:
        row: the server. Its name is another one after each start.
        applications: the applications that it has.
        secret: a digest of the secret that signs its tokens.
    """

    row: ServerRow
    applications: tuple[str, ...] = ()
    secret: str = ""


class Election(NamedTuple):
    """Who leads an application.

    Args:
        leader: the name of the server.
        fence: the number that its operations carry.
        mine: whether it is the server that asked.
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


class Membership(NamedTuple):
    """In the log: ``client`` gets the messages of ``channel`` after this id, or no more of them."""

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
    """In the log: the store has lost entries before this one, and with them what was confirmed already.

    Nobody knows which clients had something in them. So all that were there before this id have ended.
    """

    application: str
    id: int
    reason: str


class Trimming(NamedTuple):
    """In the log: it is too long, so its entries up to the id ``up_to`` will be deleted."""

    application: str
    id: int
    up_to: int


LogEntry = Posted | Membership | Departure | Rewound | Trimming


# The inbox.


class InboxEntry(NamedTuple):
    """A step that the leader has to run.

    Args:
        id: the place in the inbox, for ``read_inbox`` and ``Finish``.
        client: the client's id.
        number: the step, see ``thywill.hub.step``.
        item: the message as JSON on the wire. For ``CONNECTED`` the client's ``ClientFacts``, by
            ``encode_facts``. Empty for ``DISCONNECTED``.
    """

    id: str
    client: str
    number: int
    item: bytes


def encode_facts(facts: ClientFacts) -> bytes:
    """Return ``facts`` as they stand in the inbox: JSON in ASCII."""
    return json.dumps(msgspec.to_builtins(facts), separators=(",", ":")).encode()


def decode_facts(item: bytes) -> ClientFacts:
    """Return what ``encode_facts`` has encoded."""
    return msgspec.json.decode(item, type=ClientFacts)
