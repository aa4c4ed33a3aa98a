"""A message store in memory. It can fail or hang, and the next server can continue with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from copy import copy
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from thywill.component import NoSettings
from thywill.core.changes import (
    Changes,
    Stored,
    StoredClient,
    StoredItem,
    StoredMessage,
    StoredPublication,
    StoredSubscription,
)
from thywill.core.record import ClientRecord, Recorded
from thywill.database.base import Database, DatabaseUnavailable, MessageStore


class FakeStore(MessageStore):
    """Stores everything in lists. ``fault`` decides what happens to the next writes:

    ``refuse``: they fail; ``unsure``: they are committed, but fail; ``hang``: they wait for
    ``release_waiting``.
    """

    def __init__(self) -> None:
        self.clients: dict[str, StoredClient] = {}
        self.messages: dict[tuple[str, int], StoredMessage] = {}
        self.items: dict[tuple[str, int], StoredItem] = {}
        self.subscriptions: list[StoredSubscription] = []
        self.publications: list[StoredPublication] = []
        self.fault: str | None = None
        self.written: list[Changes] = []
        self._gate = asyncio.Event()

    async def load(self) -> Stored:
        return Stored(
            list(self.clients.values()),
            sorted(self.messages.values(), key=lambda row: row.id),
            sorted(self.items.values(), key=lambda row: row.n),
            list(self.subscriptions),
            sorted(self.publications, key=lambda row: row.sent),
        )

    async def write(self, changes: Changes) -> None:
        self.written.append(changes)
        await asyncio.sleep(0)
        if self.fault == "hang":
            await self._gate.wait()
        if self.fault == "refuse":
            raise DatabaseUnavailable("it is told to refuse")
        there = self.messages.keys() - set(changes.withdrawn)
        if any((row.application, row.id) in there for row in changes.messages):
            raise DatabaseUnavailable("a message of that id is there")
        self._apply(changes)
        if self.fault == "unsure":
            raise DatabaseUnavailable("it is told to leave it open")

    async def probe(self) -> None:
        if self.fault == "refuse":
            raise DatabaseUnavailable("it is told to refuse")

    async def trim(self, application: str, up_to: int) -> None:
        for key, row in list(self.messages.items()):
            if key[0] == application and key[1] <= up_to and not row.history:
                del self.messages[key]

    async def release(self, application: str, firsts: Mapping[str, int]) -> None:
        for key, row in list(self.messages.items()):
            if (
                key[0] == application
                and row.kind == "channel"
                and key[1] < firsts.get(json.loads(row.name), 0)
            ):
                self.messages[key] = row._replace(history=False)

    async def forget_publications(self, before: float) -> None:
        self.publications = [row for row in self.publications if row.sent >= before]

    def copy(self) -> tuple[Any, ...]:
        """Return a backup."""
        return tuple(copy(each) for each in (self.clients, self.messages, self.items, self.subscriptions))

    def restore(self, backup: tuple[Any, ...]) -> None:
        """Go back to the state of ``backup``."""
        self.clients, self.messages, self.items, self.subscriptions = backup

    def release_waiting(self) -> None:
        """Let the writes that hang go on."""
        self.fault = None
        self._gate.set()
        self._gate = asyncio.Event()

    def _apply(self, changes: Changes) -> None:
        for key in changes.withdrawn:
            self.messages.pop(key, None)
        known = [row for row in self.publications if (row.application, row.message) not in changes.withdrawn]
        self.publications = known + changes.publications
        for row in changes.clients.values():
            self.clients.setdefault(row.id, row)
        self.messages.update({(row.application, row.id): row for row in changes.messages})
        self.items.update({(row.client, row.n): row for row in changes.items})
        refused = {(each.client, each.channel, each.position) for each in changes.unentered}
        self.subscriptions = [each for each in self.subscriptions if each[:3] not in refused]
        for move in [*changes.memberships, *changes.entries]:
            if move.enters:
                self.subscriptions.append(StoredSubscription(move.client, move.channel, move.position))
            else:
                self._leave(move.client, move.channel, move.position)
        self._update(changes)
        for client_id in changes.forgotten:
            self._forget(client_id)

    def _leave(self, client_id: str, channel: str, position: int) -> None:
        self.subscriptions = [
            each._replace(until=position)
            if (each.client, each.channel, each.until) == (client_id, channel, None)
            else each
            for each in self.subscriptions
        ]

    def _update(self, changes: Changes) -> None:
        updates: dict[str, dict[str, Any]] = {
            "cursor": changes.cursors,
            "received": changes.received(),
            "handled": changes.handled,
            "data": changes.data,
            "identity": changes.identities,
            "evicted": {client_id: reason for client_id, (_, reason) in changes.evicted.items()},
        }
        for name, values in updates.items():
            for client_id, value in values.items():
                if client_id in self.clients:
                    self.clients[client_id] = self.clients[client_id]._replace(**{name: value})
        for client_id, (lost, last) in changes.lost.items():
            if client_id in self.clients:
                self.clients[client_id] = self.clients[client_id]._replace(lost=lost, lost_at=last)
        for client_id in changes.gone:
            if client_id in self.clients:
                self.clients[client_id] = self.clients[client_id]._replace(gone=True)
        for client_id, number in changes.handled.items():
            for key in [key for key in self.items if key[0] == client_id and key[1] <= number]:
                del self.items[key]

    def _forget(self, client_id: str) -> None:
        self.clients.pop(client_id, None)
        self.subscriptions = [each for each in self.subscriptions if each.client != client_id]
        self.items = {key: row for key, row in self.items.items() if key[0] != client_id}


class FakeDatabase(Database):
    """Keeps records in a dict, and messages in a ``FakeStore``."""

    def __init__(self, store: FakeStore) -> None:
        super().__init__(NoSettings(), Path())
        self.store = store
        self.records: dict[str, ClientRecord] = {}

    def messages(self) -> MessageStore:
        return self.store

    def save(self, client: Recorded) -> None:
        self.records[client.id] = client.record()

    async def flush(self) -> None:
        pass

    async def find(self, client_id: str) -> ClientRecord | None:
        return self.records.get(client_id)

    async def find_all(
        self, *, state: str | None = None, application: str | None = None, limit: int = 1000
    ) -> list[ClientRecord]:
        return [record for record in self.records.values() if state in (None, record.state)]

    async def retire(self) -> int:
        self.records = {key: replace(record, state="gone") for key, record in self.records.items()}
        return len(self.records)
