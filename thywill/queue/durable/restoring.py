"""From what a queue has kept to the clients as they were."""

from __future__ import annotations

import heapq
import json
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from itertools import takewhile

import msgspec

from thywill.core.changes import Stored, StoredClient, StoredMessage, StoredSubscription
from thywill.core.envelope import Item
from thywill.core.outbox import Bounds, Entry, Loss, Outbox, Waiting
from thywill.core.overflow import Overflow
from thywill.core.record import decode_data
from thywill.hub.contracts import Address, Restored

END = 2**63

Source = tuple[str, Address]
"""An application, and whom its messages are for."""


class Log:
    """The kept messages, by whom they are for; each is made into an entry once, for all of its receivers."""

    def __init__(self, messages: Iterable[StoredMessage]) -> None:
        self._entries: dict[Source, list[Entry]] = defaultdict(list)
        self.last: dict[str, int] = defaultdict(int)
        for row in messages:
            source = (row.application, Address(row.kind, json.loads(row.name)))
            self._entries[source].append(entry_of(row))
            self.last[row.application] = max(row.id, self.last[row.application])

    def between(self, source: Source, after: int, until: int) -> Iterator[Entry]:
        """Yield the entries of ``source`` with ids above ``after``, up to ``until``."""
        entries = self._entries.get(source, [])
        first = bisect_right(entries, after, key=lambda entry: entry.id)
        return takewhile(lambda entry: entry.id <= until, entries[first:])


def entry_of(row: StoredMessage) -> Entry:
    """Return the message of a row as it is delivered."""
    overflow = Overflow(row.overflow) if row.overflow else None
    return Entry(row.id, row.data.encode(), row.reply_to, row.key, overflow)


def restore(kept: Stored, bounds: Bounds, applications: Container[str]) -> list[Restored]:
    """Return the clients of ``applications``, with what they have not acknowledged in their queues."""
    log = Log(kept.messages)
    subscriptions: dict[str, list[StoredSubscription]] = defaultdict(list)
    for each in kept.subscriptions:
        subscriptions[each.client].append(each)
    items: dict[str, list[Item]] = defaultdict(list)
    for row in kept.items:
        items[row.client].append(msgspec.json.decode(row.item, type=Item))
    return [
        _restore(client, log, subscriptions[client.id], items[client.id], bounds)
        for client in kept.clients
        if client.application in applications
    ]


def _restore(
    client: StoredClient, log: Log, subscriptions: list[StoredSubscription], items: list[Item], bounds: Bounds
) -> Restored:
    waiting: list[Waiting] = [] if client.gone else _with_loss(client, _addressed(client, log, subscriptions))
    return Restored(
        id=client.id,
        application=client.application,
        session=client.session,
        outbox=Outbox.restored(bounds, client.cursor, waiting, log.last[client.application]),
        received=client.received,
        handled=client.handled,
        gone=bool(client.gone),
        created=client.created,
        channels=[] if client.gone else _open_channels(subscriptions),
        items=[item for item in items if client.handled < item.n <= client.received],
        evicted=None if client.evicted is None else json.loads(client.evicted),
        data=None if client.data is None else decode_data(client.data),
    )


def _addressed(client: StoredClient, log: Log, subscriptions: list[StoredSubscription]) -> list[Entry]:
    """Return the entries that ``client`` has not acknowledged, in order, each once."""
    application, cursor = client.application, client.cursor
    sources = [
        log.between((application, Address.client(client.id)), cursor, END),
        log.between((application, Address.session(client.session)), cursor, END),
    ]
    for each in subscriptions:
        source = (application, Address.channel(json.loads(each.channel)))
        until = END if each.until is None else each.until
        sources.append(log.between(source, max(cursor, each.since), until))
    merged = heapq.merge(*sources, key=lambda entry: entry.id)
    return list({entry.id: entry for entry in merged}.values())


def _with_loss(client: StoredClient, entries: list[Entry]) -> list[Waiting]:
    """Return the entries with what was dropped of the client's messages in its place."""
    if client.lost_at <= client.cursor:
        return [*entries]
    # The last of those that were dropped may be in the log still.
    others = [entry for entry in entries if entry.id != client.lost_at]
    place = bisect_right(others, client.lost_at, key=lambda entry: entry.id)
    return [*others[:place], Loss(client.lost_at, client.lost), *others[place:]]


def _open_channels(subscriptions: list[StoredSubscription]) -> list[str]:
    return [json.loads(each.channel) for each in subscriptions if each.until is None]
