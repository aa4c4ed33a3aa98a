"""The table of the client records. Every function here blocks and runs in the database's thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peewee

from thywill.database.backend import Backend, Transaction, one_line
from thywill.database.insert import Insert
from thywill.database.rows import FIELDS, LENGTHS, Row

Refused = tuple[Row, str]
"""A row that the database cannot store, and the reason."""

UNCHANGED = ("id", "created")
"""The columns that an update does not change."""


def client_model(bound: peewee.Database) -> Any:
    """Return a new model of the table ``client``, so that two databases never share one."""

    class RecordModel(peewee.Model):
        id = peewee.CharField(LENGTHS["id"], primary_key=True)
        session = peewee.CharField(LENGTHS["session"], index=True)
        application = peewee.CharField(LENGTHS["application"])
        address = peewee.CharField(LENGTHS["address"])
        user_agent = peewee.CharField(LENGTHS["user_agent"])
        transport = peewee.CharField(LENGTHS["transport"])
        created = peewee.DoubleField()
        seen = peewee.DoubleField()
        state = peewee.CharField(LENGTHS["state"])
        data = peewee.TextField()

        class Meta:
            database = bound
            table_name = "client"
            indexes = ((("state", "seen"), False),)

    return RecordModel


class ClientTable:
    """The table of records; each method that writes is one transaction.

    Args:
        database: the database.
        transaction: begins a transaction.

    Raises:
        PeeweeException: any method raises it when the database refuses or fails.
    """

    def __init__(self, database: Backend, transaction: Transaction) -> None:
        self._database = database
        self._transaction = transaction
        self.model = self._client = client_model(database)
        self._columns = [getattr(self._client, field) for field in FIELDS]
        self._insert = Insert(database, self._client, self._columns, self._or_update)

    def write(self, rows: Sequence[Row]) -> list[Refused]:
        """Insert or update the rows; return the rows that the database cannot store, each with the reason.

        All others are stored: one bad row must not keep the others from being written.
        """
        reasons = [self._database.refusal(row) for row in rows]
        refused: list[Refused] = [(row, reason) for row, reason in zip(rows, reasons, strict=True) if reason]
        rows = [row for row, reason in zip(rows, reasons, strict=True) if not reason]
        try:
            with self._transaction():
                self._insert(rows)
        except (peewee.DataError, peewee.IntegrityError):
            refused += self._write_singly(rows)
        return refused

    def find(self, key: str) -> Sequence[Any] | None:
        """Return the row with this id, or None."""
        row: Sequence[Any] | None = self._select().where(self._client.id == key).first()
        return row

    def find_all(self, state: str | None, application: str | None, limit: int) -> list[Sequence[Any]]:
        """Return up to ``limit`` rows that match, the most recently seen first; None matches all."""
        query = self._select().order_by(self._client.seen.desc(), self._client.id).limit(limit)
        if state is not None:
            query = query.where(self._client.state == state)
        if application is not None:
            query = query.where(self._client.application == application)
        return list(query)

    def retire(self) -> int:
        """Mark all rows as gone; return how many were changed."""
        with self._transaction():
            count: int = self._client.update(state="gone").where(self._client.state != "gone").execute()
        return count

    def purge(self, before: float, limit: int) -> int:
        """Delete up to ``limit`` gone rows that were last seen before a time, in seconds; return how many."""
        old = (self._client.state == "gone") & (self._client.seen < before)
        # Two statements, since MariaDB does not support LIMIT in a subquery.
        keys = [key for (key,) in self._client.select(self._client.id).where(old).limit(limit).tuples()]
        with self._transaction():
            count: int = self._client.delete().where(self._client.id.in_(keys)).execute()
        return count

    def shrink(self, most: int, limit: int) -> int:
        """Delete up to ``limit`` gone rows, the oldest first, while there are more than ``most`` rows.

        Return how many were deleted.
        """
        excess = min(self._client.select().count() - most, limit)
        if excess <= 0:
            return 0
        gone = self._client.select(self._client.id).where(self._client.state == "gone")
        keys = [key for (key,) in gone.order_by(self._client.seen).limit(excess).tuples()]
        with self._transaction():
            count: int = self._client.delete().where(self._client.id.in_(keys)).execute()
        return count

    def _or_update(self, query: Any) -> Any:
        updated = [column for column in self._columns if column.name not in UNCHANGED]
        target = self._database.conflict_target(self._client.id)
        return query.on_conflict(conflict_target=target, preserve=updated)

    def _select(self) -> Any:
        return self._client.select(*self._columns).tuples()

    def _write_singly(self, rows: Sequence[Row]) -> list[Refused]:
        refused: list[Refused] = []
        with self._transaction():
            for row in rows:
                try:
                    with self._database.atomic():
                        self._insert([row])
                except (peewee.DataError, peewee.IntegrityError) as error:
                    refused.append((row, one_line(str(error))))
        return refused
