"""``run.py migrate``: brings the database's schema up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thywill.commands.databases import Migrating, make_database
from thywill.commands.report import Report
from thywill.config import Settings
from thywill.database.base import DatabaseUnavailable
from thywill.errors import SettingsError


def run(options: Mapping[str, Any], settings: Settings, root: Path) -> int:
    """Apply the migrations that are missing, print which they were, and return the exit status.

    Raises:
        SettingsError: the settings do not name a usable database.
    """
    return asyncio.run(examine(settings, root)).show(as_json=options["json"])


async def examine(settings: Settings, root: Path) -> Report:
    """Apply the migrations that are missing, and report their names."""
    report = Report()
    database = make_database(settings, root)
    try:
        names = await database.migrate() if isinstance(database, Migrating) else []
    except (SettingsError, DatabaseUnavailable) as error:
        blamed = settings.blame(error) if isinstance(error, SettingsError) else error
        report.problem("database", str(blamed))
    else:
        report.good("database", f"applied {', '.join(names)}" if names else "the schema was up to date")
    return report
