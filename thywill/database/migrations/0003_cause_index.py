"""The column for the index of a message among those of its step."""

from __future__ import annotations

from typing import Any

from peewee import BigIntegerField, Database


def up(migrator: Any, _database: Database) -> None:
    """Add the column; it is null for the messages that exist."""
    migrator.migrate(migrator.add_column("queue_message", "cause_index", BigIntegerField(null=True)))
