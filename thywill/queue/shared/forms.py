"""Converts clients and messages to the types of the store, and back."""

from __future__ import annotations

from zlib import crc32

import msgspec

from thywill.core.envelope import Item
from thywill.core.lifecycle import State
from thywill.core.record import ClientRecord, decode_data
from thywill.hub.client import LiveClient
from thywill.queue.base import KnownClient
from thywill.queue.shared.operations import Incoming
from thywill.queue.shared.rows import ClientFacts, ClientRow


def known_client(row: ClientRow) -> KnownClient:
    """Return a stored client in the form for operators."""
    facts = row.facts
    record = ClientRecord(
        id=row.id,
        session=facts.session,
        application=row.application,
        address=facts.address,
        user_agent=facts.user_agent,
        transport="",
        created=facts.created,
        seen=facts.created,
        state=State.DETACHED.value,
        data=decode_data(row.data or ""),
    )
    return KnownClient(record, row.cursor, row.received, max(row.handled, 0), sorted(row.channels))


def facts_of(client: LiveClient) -> ClientFacts:
    """Return the facts of a client for the store."""
    extra = client.identity.encode() or ""
    return ClientFacts(client.session, client.created, client.address, client.user_agent, extra)


def incoming(item: Item) -> Incoming:
    """Return a message of a browser for the inbox."""
    encoded = msgspec.json.encode(item)
    return Incoming(item.n, crc32(encoded), encoded)
