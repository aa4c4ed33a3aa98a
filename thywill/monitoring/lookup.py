"""Finds clients, and collects everything that is known about one."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from thywill.hub.client import LiveClient
from thywill.hub.directory import Directory
from thywill.monitoring.census import COUNTED_PER_TURN
from thywill.monitoring.watch import Watch

MOVES = 100
"""How many of a client's latest changes of address or transport are shown."""
SHOWN = 100
"""How many clients one answer has at most."""
AGENT_SHOWN = 150
"""How many characters of a user agent a list has: enough to find browser and system in them."""
CHANNELS = 50
"""How many channels of a client are named."""


async def search(directory: Directory, text: str) -> dict[str, Any]:
    """Return the newest clients that match, and the number of all that match.

    Each slice of the clients takes one turn of the loop.

    Args:
        directory: the clients.
        text: a client matches if its id, session, address, application, user or user agent contains the text.
    """
    wanted = text.strip().lower()
    clients = list(directory.clients.values())
    found: list[dict[str, Any]] = []
    count = 0
    for last in range(len(clients), 0, -COUNTED_PER_TURN):
        for client in reversed(clients[max(last - COUNTED_PER_TURN, 0) : last]):
            if not wanted or _fits(client, wanted):
                count += 1
                if len(found) < SHOWN:
                    found.append(summary(client))
        await asyncio.sleep(0)
    return {"clients": found, "found": count, "all": len(clients)}


def _fits(client: LiveClient, wanted: str) -> bool:
    user = client.identity.user or ()
    fields = (client.id, client.session, client.address, client.application, client.user_agent, *user)
    return any(wanted in field.lower() for field in fields)


def summary(client: LiveClient) -> dict[str, Any]:
    """Return the fields of ``client`` for a list; its token is never among them."""
    user = client.identity.user
    return {
        "id": client.id,
        "user": None if user is None else user.name or user.id,
        "agent": client.user_agent[:AGENT_SHOWN],
        "application": client.application,
        "address": client.address,
        "state": client.state.value,
        "transport": client.transport,
        "age": max(round(time.time() - client.created), 0),
        "queued": len(client.outbox),
    }


def describe(watch: Watch, client_id: str) -> dict[str, Any] | None:
    """Return everything that the server of ``watch`` knows about a client; None if it knows nothing."""
    moves = [
        {"ago": round(ago), "address": address, "transport": transport}
        for ago, address, transport in watch.meter.moves_of(client_id)[-MOVES:]
    ]
    client = watch.engine.directory.clients.get(client_id)
    if client is None:
        return {"id": client_id, "state": "gone", "moves": moves} if moves else None
    return {**summary(client), **_particulars(watch, client), "moves": moves}


def _particulars(watch: Watch, client: LiveClient) -> dict[str, Any]:
    outbox = client.outbox
    oldest = watch.meter.age(client.application, outbox.entries[0].id) if outbox.entries else None
    channels = watch.engine.directory.channels_of(client)
    return {
        "session": client.session,
        "user_agent": client.user_agent,
        "seen": max(round(time.time() - client.seen), 0),
        "server": watch.server.name,
        "bytes": outbox.size,
        "given": outbox.in_flight,
        "oldest": None if oldest is None else round(oldest, 1),
        "cursor": outbox.cursor,
        "received": client.inbox.received,
        "pending": client.pending,
        "channels": channels[:CHANNELS],
        "more_channels": max(len(channels) - CHANNELS, 0),
    }
