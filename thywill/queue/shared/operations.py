"""What servers do in a shared store. ``base.py`` has an example, and what holds for all operations."""

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
"""Of how many of a client's last messages the store keeps a digest."""


class NotLeader(ThywillError):
    """Another server leads the application now; the operation was not executed."""


class Unknown(Gone):
    """The store has no row of the client: it has ended, or the store has lost it."""


class LostTime(Gone):
    """The client has messages that the store has lost, because it was replaced by an older copy."""


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
    """The client has polled: put its step ``CONNECTED`` into the inbox, and renew its lease.

    Outcome: None; ``Gone`` or ``Unknown``. A repeat puts nothing into the inbox.
    """

    application: str
    client: str
    server: str
    facts: ClientFacts
    seconds: float


class Incoming(NamedTuple):
    """A message of a browser.

    Args:
        n: its number.
        digest: tells a repeat from another message with the same number: the CRC-32 of ``item``.
        item: JSON on the wire.
    """

    n: int
    digest: int
    item: bytes


class Accept(NamedTuple):
    """The client has sent numbered messages: put those that are new into the inbox, and renew the lease.

    The client may be with any server, or with none, and stays there. If it has not polled yet, it connects
    first. Without ``items`` only the lease is renewed.

    Outcome: ``Accepted``; ``Gap``, ``Conflict``, ``TooMany`` (nothing is accepted), ``Gone`` or ``Unknown``.
    A repeat accepts nothing again, and returns the same number.

    Args:
        items: the batch, in the order in which it was sent.
        room: how many messages of one client may wait for their hooks.
        seconds: the lease; 0 renews none, for a client whose server renews it anyway.
    """

    application: str
    client: str
    items: Sequence[Incoming]
    room: int
    seconds: float


class Accepted(NamedTuple):
    """The last number that is accepted now, and how many of the batch were new."""

    received: int
    fresh: int


class Depart(NamedTuple):
    """The client ends: its step ``DISCONNECTED`` goes into the inbox, and its ``Departure`` into the log.

    A client that has not polled is deleted without both. Outcome: None. A repeat does nothing.
    """

    application: str
    client: str
    reason: str


class Claim(NamedTuple):
    """The client is with ``server`` from now on. The server that it was with is told (``listen``).

    Outcome: its ``ClientRow``; ``Gone`` with the reason, ``Unknown``, or ``LostTime``. A repeat returns the
    same.

    Args:
        cursor: what the page has processed. ``LostTime`` is answered if it is no id that the log has had.
        seconds: the lease.
    """

    application: str
    client: str
    server: str
    cursor: int
    seconds: float


class Renew(NamedTuple):
    """These clients, which are with ``server``, are alive: renew their leases.

    Outcome: ``Renewed``. A repeat does the same again.

    Args:
        clients: client and the id up to which it needs nothing of the log.
        lowest: the lowest such id of all clients of the application that ``server`` still holds. The log
            keeps what follows it. None leaves what was said before.
        seconds: the lease.
        silent: the same as ``clients``, for those whose pages stay away: their leases are not renewed.
    """

    application: str
    server: str
    clients: Sequence[tuple[str, int]]
    lowest: int | None
    seconds: float
    silent: Sequence[tuple[str, int]] = ()


class Renewed(NamedTuple):
    """Which clients were not renewed.

    Args:
        moved: they are with another server.
        unknown: the store has no row of them, or they have ended.
    """

    moved: list[str]
    unknown: list[str]


class Discard(NamedTuple):
    """The client, which is with ``server``, has dropped messages, since the log was too long.

    Those that were for this client alone leave the log at once; the others when nobody waits for them. What
    it has lost stays in its row, for the server that it comes to. Nothing happens if it is elsewhere.

    Outcome: None. A repeat does the same again.

    Args:
        up_to: the id up to which messages were dropped.
        ids: those that were dropped.
        lost: for each loss that its page has not acknowledged, the id of the last message and how many it
            were.
    """

    application: str
    client: str
    server: str
    up_to: int
    ids: Sequence[int]
    lost: Sequence[tuple[int, int]]


class Cause(NamedTuple):
    """Recognizes a message that was appended before, so that a repeat does not append it again.

    In a step: the client, the number of the step, and which of the step's messages it is. The store remembers
    it until ``Finish``. Outside of a step: ``client`` is the name of the server, ``number`` counts the
    server's messages outside of steps from 1 for each application, and ``place`` is empty. The store
    remembers the last ``CAUSES_REMEMBERED`` of these.
    """

    client: str
    number: int
    place: str = ""


class Kept(NamedTuple):
    """How much of a channel's past the store keeps.

    Args:
        bounds: of this channel.
        total: bytes that all channels of the application may keep together; beyond it the channels that have
            been silent for longest lose their past.
    """

    bounds: HistoryBounds
    total: int


class Append(NamedTuple):
    """Add a message to the log. Outcome: its id (int), or ``NotLeader``. A repeat returns the same id.

    Args:
        kept: adds the message to the past of its channel, too.
        fence: the leader's; None for a message that any server may append.
        cause: by which a repeat is recognized. ``Finish`` of a step may be in no batch before all appends of
            the step are answered.
    """

    application: str
    fence: int | None
    address: Address
    message: Message
    cause: Cause
    kept: Kept | None = None


class Publish(NamedTuple):
    """Add messages from outside to the log: all of them, or none.

    Outcome: their ids (list of int), or ``Reused`` with the index of the first one whose mark belongs to
    another message. A message whose mark is known is not added again, and has the id that it had. A repeat
    returns the same ids.

    Args:
        messages: the messages of one application, each with its mark or None.
        cause: as of an ``Append`` outside of steps.
        age: for how many seconds the marks are remembered.
        check: only look for marks that belong to other messages; the outcome is an empty list then.
        kept: for each message whether its channel's past keeps it; may be empty where none does.
    """

    application: str
    messages: Sequence[tuple[Address, Message, Mark | None]]
    cause: Cause
    age: float
    check: bool = False
    kept: Sequence[Kept | None] = ()


class SaveFacts(NamedTuple):
    """Save what is known of a client, which has changed. Outcome: None. A repeat changes nothing."""

    application: str
    client: str
    facts: ClientFacts


class Evict(NamedTuple):
    """End a client from the server's side, as ``Depart`` does. Outcome: None, or ``NotLeader``.

    A repeat does nothing. A client that has ended keeps its first reason.

    Args:
        fence: the leader's; None if any other server ends the client.
        number: the number of its last message whose hook has begun: later ones are dropped. The inbox still
            has them; the leader drops them by ``Drop``, since their numbers are above ``received``. None
            keeps all.
    """

    application: str
    fence: int | None
    client: str
    reason: str
    number: int | None


# Operations of the leader.


class SetMember(NamedTuple):
    """The client enters or leaves a channel. Outcome: its id in the log (int), or ``NotLeader``.

    Nothing happens, and the outcome is 0, if the client has ended, or is in the channel, or out of it,
    already. So a repeat does nothing.
    """

    application: str
    fence: int
    client: str
    channel: str
    enters: bool


class SendPast(NamedTuple):
    """Send the client the past of a channel, and put it into the channel exactly after that.

    The messages travel in packs (``core/history.py``), each a message for this client alone. Outcome: the
    last id in the log (int), or ``NotLeader``. Nothing happens, and the outcome is 0, if the client has
    ended. A repeat returns the same id.

    Args:
        bounds: what the channel keeps now, which may be less than it kept before.
        limit: how many bytes a pack may have.
        cause: as of an ``Append``.
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
    """A step has ended: take it out of the inbox, forget its causes, and save the data that it has changed.

    With the step ``DISCONNECTED`` the client's row is deleted; only the reason is remembered for an hour.
    Outcome: None, or ``NotLeader``. A repeat does the same again.

    Args:
        entry: the step's place in the inbox.
        data: ``client.data`` of the clients whose data has changed, JSON by client id.
    """

    application: str
    fence: int
    client: str
    number: int
    entry: str
    data: Mapping[str, str]


class Drop(NamedTuple):
    """Take steps out of the inbox that never run. Outcome: None, or ``NotLeader``. A repeat does nothing."""

    application: str
    fence: int
    entries: Sequence[str]


class Expire(NamedTuple):
    """End clients whose lease has passed, as ``Depart`` does, at most ``limit`` of them.

    Nobody is ended within ``grace`` after a time in which nothing was expired for more than ``EXPIRE_GAP``
    seconds: then the store or the leader was away, and nobody could renew a lease.

    Outcome: the ids of the clients that have ended (list of str), or ``NotLeader``. A repeat ends others.
    """

    application: str
    fence: int
    limit: int
    grace: float
    reason: str


EXPIRE_GAP = 10.0


class Trim(NamedTuple):
    """Delete from the log what no client needs, and what was announced; announce what is too old or too much.

    The announcement is a ``Trimming`` in the log: each server drops the messages from the outboxes of those
    who still wait for them, and saves how many these have lost (``Discard``). The store looks at the length
    of the log only here, so up to two intervals between two of these operations may lie beyond the bounds.

    Outcome: the id up to which entries are deleted (int), or ``NotLeader``. A repeat deletes at once what was
    announced.

    Args:
        grace: the lease of clients. What a server needed (``Renew.lowest``) counts for twice that time.
        age: entries that are older are deleted, even if a client needs them.
        entries, bytes: how many entries stay at most, and how many bytes of messages.
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
    | SendPast
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
    | RequestError  # Gap, Conflict, TooMany, Gone, Unknown, LostTime; Unavailable where the store is full
    | NotLeader
)
