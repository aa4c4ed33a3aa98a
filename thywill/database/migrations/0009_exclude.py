"""The column with the client of a channel that does not get a message."""

from __future__ import annotations

from typing import Any

from peewee import CharField, Database


def up(migrator: Any, _database: Database) -> None:
    """Add the column; every message that exists is for all receivers."""
    migrator.migrate(migrator.add_column("queue_message", "exclude", CharField(64, null=True)))
