"""Rebuilds a client that comes from another server: its outbox and its channels, at one position of the log.

The row of the client says what it needs; the server has applied the log up to some position, 50 here. The
rule is one for messages, memberships and ends: what is up to 50 is in the outbox, and what follows is applied
to the client when the reader gets there, as for every client of this server.

    row     cursor 40; in "lobby" after 45; was in "score" after 10 and up to 52
    log     41 score   44 lobby   46 lobby   48 to the client   49 room      (52 leaves score)
    outbox  41                    46         48
    at 50   it is in "lobby", and still in "score": the reader takes it out at 52
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from thywill.core.inbox import Inbox
from thywill.core.outbox import Bounds, Entry, Loss, Outbox, Waiting
from thywill.core.record import decode_data
from thywill.core.user import Identity
from thywill.errors import Gone
from thywill.hub.client import LiveClient
from thywill.queue.shared.rows import ClientRow, Departure, LogEntry, Posted


class Rebuilt(NamedTuple):
    """A client that was rebuilt, and the channels that it is in."""

    client: LiveClient
    channels: list[str]


def rebuild(
    row: ClientRow, entries: Iterable[LogEntry], cursor: int, position: int, bounds: Bounds
) -> Rebuilt:
    """Rebuild a client.

    Args:
        row: the client in the store.
        entries: the log after ``first_needed(row, cursor)``, up to ``position``.
        cursor: what the page has processed.
        position: up to where this server has applied the log.
        bounds: how much an outbox may hold.

    Raises:
        Gone: the log says that the client has ended.
    """
    waiting: list[Waiting] = list(_addressed(row, entries))
    if row.trimmed > first_needed(row, cursor):
        waiting.insert(0, Loss(row.trimmed, 1))  # nobody knows how many it were
    outbox = Outbox.restored(bounds, cursor, waiting, max(position, cursor))
    client = shadow(row, outbox)
    channels = [name for name, since, until in _stays(row) if since <= position < until]
    return Rebuilt(client, channels)


def first_needed(row: ClientRow, cursor: int) -> int:
    """Return the id after which the client may need entries of the log."""
    return max(row.cursor, cursor)


def shadow(row: ClientRow, outbox: Outbox) -> LiveClient:
    """Return a client that has the facts of ``row``."""
    facts = row.facts
    client = LiveClient(row.id, row.application, facts.session, outbox, Inbox(row.received), facts.created)
    client.address, client.user_agent = facts.address, facts.user_agent
    client.identity = Identity.decode(facts.extra or None)
    client.greeted, client.handled = row.connected, max(row.handled, 0)
    client.begun = client.handled
    client.data = None if row.data is None else decode_data(row.data)
    return client


def _addressed(row: ClientRow, entries: Iterable[LogEntry]) -> Iterator[Entry]:
    for entry in entries:
        if isinstance(entry, Departure) and entry.client == row.id:
            raise Gone(entry.reason)
        if isinstance(entry, Posted) and _is_for(row, entry):
            message = entry.message
            yield Entry(entry.id, message.data, message.reply_to, message.key, message.overflow)


def _is_for(row: ClientRow, entry: Posted) -> bool:
    kind, name = entry.address
    if kind == "client":
        return name == row.id
    if kind == "session":
        return name == row.facts.session
    if kind == "user":
        user = Identity.decode(row.facts.extra or None).user
        return user is not None and user.id == name
    return any(name == channel and since < entry.id <= until for channel, since, until in _stays(row))


def _stays(row: ClientRow) -> Iterator[tuple[str, int, float]]:
    for name, since in row.channels.items():
        yield name, since, float("inf")
    yield from row.left
