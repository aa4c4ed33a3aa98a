"""The table of the client records."""

from __future__ import annotations

from typing import Any

from peewee import CharField, Database, DoubleField, Model, TextField


class Client(Model):
    id = CharField(64, primary_key=True)
    session = CharField(64, index=True)
    application = CharField(64)
    address = CharField(64)
    user_agent = CharField(512)
    transport = CharField(32)
    created = DoubleField()
    seen = DoubleField()
    state = CharField(16)
    data = TextField()

    class Meta:
        table_name = "client"
        indexes = ((("state", "seen"), False),)


def up(_migrator: Any, database: Database) -> None:
    """Create the table; fail if another program has a table ``client``, instead of using that one."""
    with database.bind_ctx([Client]):
        Client.create_table(safe=False)
