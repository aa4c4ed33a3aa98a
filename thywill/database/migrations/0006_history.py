"""The column that marks the messages of channels' histories."""

from __future__ import annotations

from typing import Any

from peewee import BooleanField, Database


def up(migrator: Any, _database: Database) -> None:
    """Add the column; no message that exists belongs to a history."""
    migrator.migrate(migrator.add_column("queue_message", "history", BooleanField(default=False)))
