"""The operations of servers in a shared store. ``base.py`` has an example, and the rules for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from thywill.core.history import HistoryBounds
from thywill.core.message import Address, Message
from thywill.core.publication import Mark
from thywill.errors import Gone, RequestError, ThywillError
from thywill.queue.shared.rows import ClientFacts, ClientRow

CAUSES_REMEMBERED = 1000
"""How many messages outside of steps the store remembers of each server (``Cause``)."""

DIGESTS = 10
"""How many of a client's last messages the store remembers by a digest."""


class NotLeader(ThywillError):
    """Another server leads the application now; the operation was not executed."""


class Unintended(Gone):
    """Nobody has ended the client on purpose, as far as the store knows."""

    def __init__(self, message: str) -> None:
        super().__init__(message, reconnect=True)


class Unknown(Unintended):
    """The store has no row of the client: the client has ended, or the store has lost it."""


class RolledBack(Unintended):
    """The client has messages that the store has lost, because the store was rolled back."""


# Operations of any server.


class Create(NamedTuple):
    """Write the row of a new client, which has not polled yet, with a lease of ``seconds``.

    Outcome: the cursor with which the client begins: the last id of the log (int). A repeat returns the same.
    """

    application: str
    client: str
    server: str
    facts: ClientFacts
    seconds: float


class Greet(NamedTuple):
    """The client has polled: add its step ``CONNECTED`` to the inbox, and renew its lease.

    Outcome: None; ``Gone`` or ``Unknown``. A repeat adds nothing to the inbox.
    """

    application: str
    client: str
    server: str
    facts: ClientFacts
    seconds: float


class Incoming(NamedTuple):
    """A message from a browser.

    Args:
        n: the message's number.
        digest: the CRC-32 of ``item``, which tells a repeat from another message with the same number.
        item: the message as JSON on the wire.
    """

    n: int
    digest: int
    item: bytes


class Accept(NamedTuple):
    """The client has sent numbered messages: add the new ones to the inbox, and renew the lease.

    The client may be with any server, or with none, and stays there. If it has not polled yet, its step
    ``CONNECTED`` is added first. Without ``items`` only the lease is renewed.

    Outcome: ``Accepted``; ``Gap``, ``Conflict``, ``TooMany`` (nothing is accepted), ``Gone`` or ``Unknown``.
    A repeat accepts nothing again, and returns the same number.

    Args:
        items: the messages, in the order in which they were sent.
        room: how many messages of one client may wait for their hooks.
        seconds: the lease; with 0 it is not renewed, for a client whose server renews it anyway.
    """

    application: str
    client: str
    items: Sequence[Incoming]
    room: int
    seconds: float


class Accepted(NamedTuple):
    """The last accepted number, and how many messages of the batch were new."""

    received: int
    fresh: int


class Depart(NamedTuple):
    """The client ends: its step ``DISCONNECTED`` goes into the inbox, and its ``Departure`` into the log.

    A client that has not polled is only deleted. Outcome: None. A repeat does nothing.
    """

    application: str
    client: str
    reason: str


class Claim(NamedTuple):
    """Move the client to ``server``. The server that had the client before is told (``listen``).

    Outcome: the client's ``ClientRow``; ``Gone`` with the reason, ``Unknown``, or ``RolledBack``. A repeat
    returns the same.

    Args:
        cursor: the id of the last message that the page has processed. The outcome is ``RolledBack`` if the
            log has never had this id.
        seconds: the lease.
    """

    application: str
    client: str
    server: str
    cursor: int
    seconds: float


class Renew(NamedTuple):
    """Renew the leases of clients that are with ``server``.

    Outcome: ``Renewed``. A repeat does the same again.

    Args:
        clients: pairs of a client and the id up to which it needs nothing of the log.
        lowest: the lowest such id of all clients of the application on ``server``. The log keeps the entries
            after it. None changes nothing.
        seconds: the lease.
        silent: such pairs for clients whose pages stay away; their leases are not renewed.
    """

    application: str
    server: str
    clients: Sequence[tuple[str, int]]
    lowest: int | None
    seconds: float
    silent: Sequence[tuple[str, int]] = ()


class Renewed(NamedTuple):
    """The clients whose leases were not renewed.

    Args:
        moved: clients that are with another server.
        unknown: clients that have ended, or of which the store has no row.
    """

    moved: list[str]
    unknown: list[str]


class Discard(NamedTuple):
    """The client, which is with ``server``, has dropped messages, because the log was too long.

    Messages for this client alone are deleted from the log at once; others when no client needs them. The
    client's losses are stored in its row, for the server to which it may move. Nothing happens if the client
    is with another server.

    Outcome: None. A repeat does the same again.

    Args:
        up_to: the id up to which messages were dropped.
        ids: the ids of the dropped messages.
        lost: for each loss that the page has not acknowledged, the id of the last message and the number of
            messages.
    """

    application: str
    client: str
    server: str
    up_to: int
    ids: Sequence[int]
    lost: Sequence[tuple[int, int]]


class Cause(NamedTuple):
    """Identifies a message, so that the store recognizes a repeat and does not append it again.

    For a message of a step: the client, the number of the step, and a ``place`` that is unique among the
    step's messages. The store remembers it until ``Finish``.

    For a message outside of steps: ``client`` is the name of the server, ``number`` counts the server's
    messages outside of steps from 1 for each application, and ``place`` is empty. The store remembers the
    last ``CAUSES_REMEMBERED`` of these.
    """

    client: str
    number: int
    place: str = ""


class Kept(NamedTuple):
    """How much of a channel's history the store keeps.

    Args:
        bounds: the bounds of this channel.
        total: bytes that all channels of the application may keep together. Beyond it the channels that were
            silent for the longest time lose their history.
    """

    bounds: HistoryBounds
    total: int


class Append(NamedTuple):
    """Add a message to the log. Outcome: its id (int), or ``NotLeader``. A repeat returns the same id.

    Args:
        fence: the leader's fence; None for a message that any server may append.
        cause: recognizes a repeat. ``Finish`` of a step must not be submitted before all appends of the step
            are answered.
        kept: the bounds, if the message also belongs to its channel's history.
    """

    application: str
    fence: int | None
    address: Address
    message: Message
    cause: Cause
    kept: Kept | None = None


class Publish(NamedTuple):
    """Add published messages to the log: all of them, or none.

    Outcome: their ids (list of int), or ``Reused`` with the index of the first message whose mark belongs to
    another message. A message whose mark is known is not added again, and its old id is returned. A repeat
    returns the same ids.

    Args:
        messages: the messages of one application, each with its mark or None.
        cause: as in an ``Append`` outside of steps.
        age: how many seconds the marks are remembered.
        check: whether only to check the marks; the outcome is then an empty list or ``Reused``.
        kept: for each message the bounds of its channel's history, or None; empty if there are none.
    """

    application: str
    messages: Sequence[tuple[Address, Message, Mark | None]]
    cause: Cause
    age: float
    check: bool = False
    kept: Sequence[Kept | None] = ()


class SaveFacts(NamedTuple):
    """Save the facts of a client, which have changed. Outcome: None. A repeat changes nothing."""

    application: str
    client: str
    facts: ClientFacts


class Evict(NamedTuple):
    """End a client from the server's side, as ``Depart`` does. Outcome: None, or ``NotLeader``.

    A repeat does nothing. A client that has ended keeps its first reason.

    Args:
        fence: the leader's fence; None if another server ends the client.
        number: the number of its last message whose hook has begun; later messages are dropped. The inbox
            still has their steps, and the leader removes them by ``Drop``, since their numbers are above
            ``received``. None drops no message.
    """

    application: str
    fence: int | None
    client: str
    reason: str
    number: int | None


# Operations of the leader.


class SetMember(NamedTuple):
    """The client enters or leaves a channel. Outcome: the id of the change in the log, or ``NotLeader``.

    Nothing happens, and the outcome is 0, if the client has ended, or if the change was made already. So a
    repeat does nothing.
    """

    application: str
    fence: int
    client: str
    channel: str
    enters: bool


class SendHistory(NamedTuple):
    """Send the client the history of a channel, and add it to the channel exactly after that.

    The messages travel in packs (``core/history.py``); each pack is a message for this client alone. Outcome:
    the last id in the log (int), or ``NotLeader``. Nothing happens, and the outcome is 0, if the client has
    ended. A repeat returns the same id.

    Args:
        bounds: the present bounds of the channel, which may be lower than before.
        limit: how many bytes a pack may have.
        cause: as in an ``Append``.
    """

    application: str
    fence: int
    client: str
    channel: str
    bounds: HistoryBounds
    limit: int
    cause: Cause


class SaveData(NamedTuple):
    """Save ``client.data``, JSON by client id. Outcome: None, or ``NotLeader``. A repeat changes nothing."""

    application: str
    fence: int
    data: Mapping[str, str]


class Finish(NamedTuple):
    """A step has ended: remove it from the inbox, forget its causes, and save the data that it has changed.

    At the step ``DISCONNECTED`` the client's row is deleted; only the reason is remembered for an hour.
    Outcome: None, or ``NotLeader``. A repeat does the same again.

    Args:
        entry: the id of the step in the inbox.
        data: the changed ``client.data``, JSON by client id.
    """

    application: str
    fence: int
    client: str
    number: int
    entry: str
    data: Mapping[str, str]


class Drop(NamedTuple):
    """Remove steps that never run from the inbox. Outcome: None, or ``NotLeader``. A repeat does nothing."""

    application: str
    fence: int
    entries: Sequence[str]


class Expire(NamedTuple):
    """End clients whose leases have ended, as ``Depart`` does, at most ``limit`` of them.

    If no ``Expire`` was executed for more than ``EXPIRE_GAP`` seconds, no client is ended for ``grace``
    seconds after that: the store or the leader was away, and nobody could renew a lease.

    Outcome: the ids of the clients that have ended (list of str), or ``NotLeader``. A repeat ends others.
    """

    application: str
    fence: int
    limit: int
    grace: float
    reason: str


EXPIRE_GAP = 10.0


class Trim(NamedTuple):
    """Delete entries of the log that no client needs, and announce which others will be deleted next time.

    Entries that are too old or too many are announced first, by a ``Trimming`` in the log: each server then
    drops these messages from its clients' outboxes and saves how many the clients have lost (``Discard``).
    The next ``Trim`` deletes them. The store checks the length of the log only here, so the entries of up to
    two intervals between two of these operations may exceed the bounds.

    Outcome: the id up to which entries are deleted (int), or ``NotLeader``. A repeat deletes the announced
    entries at once.

    Args:
        grace: the lease of clients, in seconds. ``Renew.lowest`` of a server counts for twice that time.
        age: seconds; older entries are deleted even if a client needs them.
        entries, bytes: how many entries may stay, and how many bytes of messages.
    """

    application: str
    fence: int
    grace: float
    age: float
    entries: int
    bytes: int


Operation = (
    Create
    | Greet
    | Accept
    | Depart
    | Claim
    | Renew
    | Discard
    | Append
    | Publish
    | Evict
    | SaveFacts
    | SetMember
    | SendHistory
    | SaveData
    | Finish
    | Drop
    | Expire
    | Trim
)

Outcome = (
    None
    | int
    | list[str]
    | list[int]
    | ClientRow
    | Accepted
    | Renewed
    | RequestError  # Gap, Conflict, TooMany, Gone, Unknown, RolledBack; Unavailable if the store is full
    | NotLeader
)
