"""The table of people. Every function here blocks and runs in the database's thread."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import peewee

from thywill.core.person import StoredPerson
from thywill.database.backend import Backend, Transaction
from thywill.database.insert import Insert
from thywill.database.rows import LENGTHS


def person_model(bound: peewee.Database) -> Any:
    """Return a new model of the table ``person``."""

    class PersonModel(peewee.Model):
        session = peewee.CharField(LENGTHS["session"], primary_key=True)
        data = peewee.TextField()
        seen = peewee.DoubleField(index=True)

        class Meta:
            database = bound
            table_name = "person"

    return PersonModel


class PeopleTable:
    """The data that applications keep for each session.

    Args:
        database: the database.
        transaction: begins a transaction.

    Raises:
        PeeweeException: any method raises it when the database refuses or fails.
    """

    def __init__(self, database: Backend, transaction: Transaction) -> None:
        self._database = database
        self._transaction = transaction
        self.model = model = person_model(database)
        columns = [model.session, model.data, model.seen]
        self._insert = Insert(database, model, columns, self._or_update)

    def load(self, since: float) -> list[StoredPerson]:
        """Return the rows seen at or after ``since`` (seconds since the epoch), the earliest first."""
        model = self.model
        query = model.select(model.session, model.data, model.seen).where(model.seen >= since)
        query = query.order_by(model.seen, model.session)
        return [StoredPerson(*row) for row in query.tuples()]

    def write(self, rows: Sequence[StoredPerson], gone: Sequence[str]) -> None:
        """Insert or update ``rows``, and delete the rows of the sessions ``gone``."""
        with self._transaction():
            if rows:
                self._insert(rows)
            for session in gone:
                self.model.delete().where(self.model.session == session).execute()

    def _or_update(self, query: Any) -> Any:
        target = self._database.conflict_target(self.model.session)
        return query.on_conflict(conflict_target=target, preserve=[self.model.data, self.model.seen])
