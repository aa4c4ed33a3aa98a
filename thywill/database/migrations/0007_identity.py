"""The column for the user of a client."""

from __future__ import annotations

from typing import Any

from peewee import Database, TextField


def up(migrator: Any, _database: Database) -> None:
    """Add the column; it is null for the clients that exist."""
    migrator.migrate(migrator.add_column("queue_client", "identity", TextField(null=True)))
