"""The tables of the durable queue."""

from __future__ import annotations

from typing import Any

from peewee import (
    BigIntegerField,
    BooleanField,
    CharField,
    CompositeKey,
    Database,
    DoubleField,
    Model,
    TextField,
)


class QueueClient(Model):
    id = CharField(64, primary_key=True)
    application = CharField(64)
    session = CharField(64)
    created = DoubleField()
    cursor = BigIntegerField()
    received = BigIntegerField()
    handled = BigIntegerField()
    gone = BooleanField()
    lost = BigIntegerField()
    lost_at = BigIntegerField()
    data = TextField(null=True)
    evicted = TextField(null=True)

    class Meta:
        table_name = "queue_client"


class QueueMessage(Model):
    application = CharField(64)
    id = BigIntegerField()
    kind = CharField(16)
    name = TextField()
    data = TextField()
    reply_to = BigIntegerField(null=True)
    key = TextField(null=True)
    overflow = CharField(16, null=True)
    cause_client = CharField(64, null=True)
    cause_number = BigIntegerField(null=True)
    sent = DoubleField()

    class Meta:
        table_name = "queue_message"
        primary_key = CompositeKey("application", "id")


class QueueItem(Model):
    client = CharField(64)
    n = BigIntegerField()
    item = TextField()

    class Meta:
        table_name = "queue_item"
        primary_key = CompositeKey("client", "n")


class QueueSubscription(Model):
    client = CharField(64, index=True)
    channel = TextField()
    since = BigIntegerField()
    until = BigIntegerField(null=True)

    class Meta:
        table_name = "queue_subscription"


TABLES = [QueueClient, QueueMessage, QueueItem, QueueSubscription]


def up(_migrator: Any, database: Database) -> None:
    """Create the tables; fail if another program has a table with one of these names."""
    with database.bind_ctx(TABLES):
        for table in TABLES:
            table.create_table(safe=False)
