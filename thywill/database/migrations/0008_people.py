"""The table of the data that applications keep for people, by session."""

from __future__ import annotations

from typing import Any

from peewee import CharField, Database, DoubleField, Model, TextField


class PersonModel(Model):
    session = CharField(64, primary_key=True)
    data = TextField()
    seen = DoubleField(index=True)

    class Meta:
        table_name = "person"


def up(_migrator: Any, database: Database) -> None:
    """Create the table; fail if another program has a table of this name."""
    with database.bind_ctx([PersonModel]):
        PersonModel.create_table(safe=False)
