"""The table with the server that owns the database; it has one row."""

from __future__ import annotations

from typing import Any

from peewee import BigIntegerField, BooleanField, CharField, Database, Model


class OwnerModel(Model):
    id = BigIntegerField(primary_key=True)
    number = BigIntegerField()
    beat = BigIntegerField()
    released = BooleanField()
    process = BigIntegerField()
    host = CharField(255)
    address = CharField(255)
    machine = CharField(255)
    started = BigIntegerField()

    class Meta:
        table_name = "thywill_owner"


def up(_migrator: Any, database: Database) -> None:
    """Create the table; the first server inserts the row. Fail if another program has such a table."""
    with database.bind_ctx([OwnerModel]):
        OwnerModel.create_table(safe=False)
