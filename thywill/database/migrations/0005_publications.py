"""The table of published messages to which their publishers gave ids."""

from __future__ import annotations

from typing import Any

from peewee import BigIntegerField, CharField, CompositeKey, Database, DoubleField, Model


class QueuePublication(Model):
    application = CharField(64)
    message = BigIntegerField()
    key = CharField(32)
    digest = CharField(32)
    sent = DoubleField(index=True)

    class Meta:
        table_name = "queue_publication"
        primary_key = CompositeKey("application", "message")


def up(_migrator: Any, database: Database) -> None:
    """Create the table; fail if another program has a table of this name."""
    with database.bind_ctx([QueuePublication]):
        QueuePublication.create_table(safe=False)
