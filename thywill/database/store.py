"""The messages of a queue that survives, in a relational database."""

from __future__ import annotations

from thywill.core.changes import Changes, Stored
from thywill.database.base import MessageStore
from thywill.database.connection import Connection
from thywill.database.messages import MessageTables

TRIM_SLICE = 2000
"""Messages deleted in one transaction; others are written between two of these."""


class PeeweeMessages(MessageStore):
    """Hands everything to the database's thread.

    Args:
        connection: shared with the client records: two connections of one process would wait for one another.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tables = MessageTables(connection.database)

    async def load(self) -> Stored:
        return await self._connection.run(self._tables.load)

    async def write(self, changes: Changes) -> None:
        await self._connection.run(self._tables.write, changes)

    async def trim(self, application: str, up_to: int) -> None:
        while await self._connection.run(self._tables.trim, application, up_to, TRIM_SLICE) == TRIM_SLICE:
            continue
