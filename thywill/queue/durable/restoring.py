"""Rebuilds the clients and their outboxes from the rows, when a server starts.

No row says which messages wait for a client. They follow from three other things: the client's cursor, the
channels that it was in and since when, and the log. In this example client A has the cursor 10, joined
"lobby" at 5 and left it at 12, and joined "score" at 11.

    log      9 lobby   11 lobby   12 to A   13 lobby   14 score
    A gets             11         12                   14

9 lies before the cursor, and 13 came after A had left. The rebuilt outbox is 11, 12, 14. The cursor in the
database may be two seconds behind the browser, so A may get a message that its page has already; the page
ignores it. For the same reason the outbox accepts any cursor up to the end of this log, also one that this
server has never sent. If messages for A were dropped (``lost`` of them, the last at the id ``lost_at``), a
loss takes their place, so that the page learns of it.
"""

from __future__ import annotations

import heapq
import json
import time
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Container, Iterable, Iterator
from itertools import takewhile

import msgspec

from thywill.core.changes import Stored, StoredClient, StoredMessage, StoredSubscription
from thywill.core.envelope import Item
from thywill.core.log import Entry, Loss, Waiting
from thywill.core.message import Address, Message
from thywill.core.outbox import Bounds, Outbox
from thywill.core.overflow import Overflow
from thywill.core.record import decode_data
from thywill.core.user import Identity
from thywill.hub.restored import Restored
from thywill.hub.step import Step

END = 2**63

Source = tuple[str, Address]
"""An application and an address."""


class MessageIndex:
    """The messages of the log by address; all receivers of a message share its entry."""

    def __init__(self, messages: Iterable[StoredMessage]) -> None:
        self._entries: dict[Source, list[Entry]] = defaultdict(list)
        self.last: dict[str, int] = defaultdict(int)
        for row in messages:
            source = (row.application, Address(row.kind, json.loads(row.name)))
            self._entries[source].append(entry_of(row))
            self.last[row.application] = max(row.id, self.last[row.application])

    def between(self, source: Source, after: int, until: int) -> Iterator[Entry]:
        """Yield the entries of ``source`` with ids above ``after`` and up to ``until``."""
        entries = self._entries.get(source, [])
        first = bisect_right(entries, after, key=lambda entry: entry.id)
        return takewhile(lambda entry: entry.id <= until, entries[first:])


def entry_of(row: StoredMessage) -> Entry:
    """Return the entry for the message of a row."""
    overflow = Overflow(row.overflow) if row.overflow else None
    return Entry(row.id, row.data.encode(), row.reply_to, row.key, overflow, row.exclude)


def row_of(
    application: str,
    message_id: int,
    address: Address,
    message: Message,
    step: Step | None,
    index: int | None,
) -> StoredMessage:
    """Return the row of a message, the message ``index`` of ``step`` to this receiver."""
    return StoredMessage(
        application=application,
        id=message_id,
        kind=address.kind,
        name=json.dumps(address.name),
        data=message.data.decode(),
        reply_to=message.reply_to,
        key=message.key,
        overflow=message.overflow.value if message.overflow else None,
        cause_client=step.client if step else None,
        cause_number=step.number if step else None,
        sent=time.time(),
        cause_index=index,
        exclude=message.exclude,
    )


def restore(stored: Stored, bounds: Bounds, applications: Container[str]) -> list[Restored]:
    """Return the clients of ``applications``; their outboxes hold the messages they have not acknowledged."""
    index = MessageIndex(stored.messages)
    subscriptions: dict[str, list[StoredSubscription]] = defaultdict(list)
    for each in stored.subscriptions:
        subscriptions[each.client].append(each)
    items: dict[str, list[Item]] = defaultdict(list)
    for row in stored.items:
        items[row.client].append(msgspec.json.decode(row.item, type=Item))
    return [
        _restore(client, index, subscriptions[client.id], items[client.id], bounds)
        for client in stored.clients
        if client.application in applications
    ]


def _restore(
    client: StoredClient,
    index: MessageIndex,
    subscriptions: list[StoredSubscription],
    items: list[Item],
    bounds: Bounds,
) -> Restored:
    waiting: list[Waiting] = (
        [] if client.gone else _with_loss(client, _addressed(client, index, subscriptions))
    )
    return Restored(
        id=client.id,
        application=client.application,
        session=client.session,
        outbox=Outbox.restored(bounds, client.cursor, waiting, index.last[client.application]),
        received=client.received,
        handled=client.handled,
        gone=bool(client.gone),
        created=client.created,
        channels=[] if client.gone else _open_channels(subscriptions),
        items=[item for item in items if client.handled < item.n <= client.received],
        evicted=None if client.evicted is None else json.loads(client.evicted),
        data=None if client.data is None else decode_data(client.data),
        identity=Identity.decode(client.identity),
    )


def _addressed(
    client: StoredClient, index: MessageIndex, subscriptions: list[StoredSubscription]
) -> list[Entry]:
    """Return the entries that ``client`` has not acknowledged, in the order of their ids, each once."""
    application, cursor = client.application, client.cursor
    sources = [
        index.between((application, Address.client(client.id)), cursor, END),
        index.between((application, Address.session(client.session)), cursor, END),
    ]
    if user := Identity.decode(client.identity).user:
        sources.append(index.between((application, Address.user(user.id)), cursor, END))
    for each in subscriptions:
        source = (application, Address.channel(json.loads(each.channel)))
        until = END if each.until is None else each.until
        sources.append(index.between(source, max(cursor, each.since), until))
    merged = heapq.merge(*sources, key=lambda entry: entry.id)
    return list({entry.id: entry for entry in merged if entry.exclude != client.id}.values())


def _with_loss(client: StoredClient, entries: list[Entry]) -> list[Waiting]:
    """Return ``entries`` with a loss in the place of the dropped messages."""
    if client.lost_at <= client.cursor:
        return [*entries]
    # The last dropped message may still be in the log.
    others = [entry for entry in entries if entry.id != client.lost_at]
    place = bisect_right(others, client.lost_at, key=lambda entry: entry.id)
    return [*others[:place], Loss(client.lost_at, client.lost), *others[place:]]


def _open_channels(subscriptions: list[StoredSubscription]) -> list[str]:
    return [json.loads(each.channel) for each in subscriptions if each.until is None]
