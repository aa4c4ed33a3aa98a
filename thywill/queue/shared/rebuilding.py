"""Rebuilds a client that comes from another server: its outbox and its channels, at one position of the log.

The row of the client says what it needs. The server has applied the log up to some position, 50 in this
example. One rule holds for messages, memberships and ends: entries up to 50 are used to rebuild the client,
and entries after that are applied when the reader reaches them, as for every client of this server. The row
may be older or newer than the position, so memberships in the log up to the position count, too.

    row     cursor 40; in "lobby" after 45; was in "score" after 10 and up to 52
    log     41 score   44 lobby   46 lobby   47 enters room   48 to the client   49 room   (52 leaves score)
    outbox  41                    46                          48                 49
    at 50   it is in "lobby" and "room", and still in "score"; the reader removes it from "score" at 52
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from thywill.core.inbox import Inbox
from thywill.core.log import Entry, Loss, MessageLog, Waiting
from thywill.core.outbox import Bounds, Outbox
from thywill.core.record import decode_data
from thywill.core.user import Identity
from thywill.errors import Gone
from thywill.hub.client import LiveClient
from thywill.queue.shared.rows import ClientRow, Departure, LogEntry, Membership, Posted, Rewound

OPEN = float("inf")
"""The end of a stay that has not ended."""


class Rebuilt(NamedTuple):
    """A rebuilt client, and the channels that it is in."""

    client: LiveClient
    channels: list[str]


def rebuild(
    row: ClientRow,
    entries: Iterable[LogEntry],
    cursor: int,
    position: int,
    bounds: Bounds,
    log: MessageLog,
) -> Rebuilt:
    """Rebuild a client.

    Args:
        row: the client in the store.
        entries: the log after ``first_needed(row, cursor)``, up to ``position``.
        cursor: the id of the last message that the page has processed.
        position: the id up to which this server has applied the log.
        bounds: how much an outbox may hold.
        log: counts the messages that wait here.

    Raises:
        Gone: the log says that the client has ended, or that the store has lost messages.
    """
    entries = list(entries)
    stays = _stays(row, entries)
    found = [entry for entry in _addressed(row, entries, stays) if entry.id > row.dropped]
    waiting = [*_losses(row, cursor), *(log.share(entry) for entry in found)]
    outbox = Outbox.restored(bounds, cursor, waiting, max(position, cursor))
    client = shadow(row, outbox)
    channels = [stay.channel for stay in stays if stay.since <= position < stay.until]
    return Rebuilt(client, channels)


def first_needed(row: ClientRow, cursor: int) -> int:
    """Return the id after which the client may need entries of the log."""
    return max(row.cursor, cursor)


def _losses(row: ClientRow, cursor: int) -> Iterator[Waiting]:
    """Yield the losses of the client of which its page may not know."""
    for last, count in row.lost:
        if last > cursor:
            yield Loss(last, count)
    if row.trimmed > max(first_needed(row, cursor), row.dropped):
        yield Loss(row.trimmed, 1)  # one or more messages: the server that knew how many has died


def shadow(row: ClientRow, outbox: Outbox) -> LiveClient:
    """Return a client that has the facts of ``row``."""
    facts = row.facts
    client = LiveClient(row.id, row.application, facts.session, outbox, Inbox(row.received), facts.created)
    client.address = facts.address
    client.user_agent = sys.intern(facts.user_agent)  # one text for all clients with the same browser
    client.identity = Identity.decode(facts.extra or None)
    client.greeted, client.handled = row.connected, max(row.handled, 0)
    client.begun = client.handled
    client.data = None if row.data is None else decode_data(row.data)
    return client


class Stay(NamedTuple):
    """The client gets the messages of ``channel`` after the id ``since``, up to ``until``."""

    channel: str
    since: int
    until: float


def _stays(row: ClientRow, entries: Iterable[LogEntry]) -> list[Stay]:
    stays = [Stay(channel, since, OPEN) for channel, since in row.channels.items()]
    stays += [Stay(*each) for each in row.left]
    for entry in entries:
        if isinstance(entry, Membership) and entry.client == row.id:
            stays = _changed(stays, entry)
    return stays


def _changed(stays: list[Stay], entry: Membership) -> list[Stay]:
    """Return ``stays`` after a change of membership; ``stays`` may include the change already."""
    of_channel = [stay for stay in stays if stay.channel == entry.channel]
    if any(entry.id in (stay.since, stay.until) for stay in of_channel):
        return stays
    if entry.enters:
        return [*stays, Stay(entry.channel, entry.id, OPEN)]
    return [
        stay._replace(until=entry.id) if stay in of_channel and stay.until == OPEN else stay for stay in stays
    ]


def _addressed(row: ClientRow, entries: Iterable[LogEntry], stays: Sequence[Stay]) -> Iterator[Entry]:
    for entry in entries:
        if isinstance(entry, Departure) and entry.client == row.id:
            raise Gone(entry.reason)
        if isinstance(entry, Rewound):
            raise Gone(entry.reason, reconnect=True)
        if isinstance(entry, Posted) and _is_for(row, entry, stays):
            yield Entry(entry.id, *entry.message)


def _is_for(row: ClientRow, entry: Posted, stays: Sequence[Stay]) -> bool:
    if entry.message.exclude == row.id:
        return False
    kind, name = entry.address
    if kind == "client":
        return name == row.id
    if kind == "session":
        return name == row.facts.session
    if kind == "user":
        user = Identity.decode(row.facts.extra or None).user
        return user is not None and user.id == name
    return any(name == stay.channel and stay.since < entry.id <= stay.until for stay in stays)
