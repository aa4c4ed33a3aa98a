"""``run.py migrate``: the database's schema is brought up to date, while no server is changed by it."""

from __future__ import annotations

from pathlib import Path

from thywill.commands.databases import Migrating, make_database
from thywill.commands.report import Report
from thywill.config import Settings
from thywill.database.base import DatabaseUnavailable
from thywill.errors import SettingsError


async def examine(settings: Settings, root: Path) -> Report:
    """Apply the migrations that are missing, and tell which they were."""
    report = Report()
    database = make_database(settings, root)
    try:
        names = await database.migrate() if isinstance(database, Migrating) else []
    except (SettingsError, DatabaseUnavailable) as error:
        told = settings.blame(error) if isinstance(error, SettingsError) else error
        report.problem("database", str(told))
    else:
        report.good("database", f"applied {', '.join(names)}" if names else "the schema was up to date")
    return report
