"""The storage of the durable queue in a relational database."""

from __future__ import annotations

from collections.abc import Mapping

from thywill.core.changes import Changes, Stored
from thywill.database.backend import Transaction
from thywill.database.base import MessageStore
from thywill.database.messages import MessageTables
from thywill.database.thread import DatabaseThread

TRIM_SLICE = 2000
"""How many messages one transaction deletes; other transactions run between two of these."""


class PeeweeMessages(MessageStore):
    """Runs all methods in the database's thread.

    Args:
        thread: the thread of the client records: two connections of one process would block each other.
        transaction: begins a transaction in the thread.
    """

    def __init__(self, thread: DatabaseThread, transaction: Transaction) -> None:
        self._thread = thread
        self._tables = MessageTables(thread.database, transaction)

    async def load(self) -> Stored:
        return await self._thread.run(self._tables.load)

    async def write(self, changes: Changes) -> None:
        await self._thread.run(self._tables.write, changes)

    async def probe(self) -> None:
        await self._thread.run(self._tables.probe)

    async def release(self, application: str, firsts: Mapping[str, int]) -> None:
        await self._thread.run(self._tables.release, application, firsts)

    async def trim(self, application: str, up_to: int) -> None:
        while await self._thread.run(self._tables.trim, application, up_to, TRIM_SLICE) == TRIM_SLICE:
            continue

    async def forget_publications(self, before: float) -> None:
        await self._thread.run(self._tables.forget_publications, before)
