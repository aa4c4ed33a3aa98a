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
    """Apply the missing migrations, print their names, and return the exit status.

    Args:
        options: the options of the command, by name.
        settings: the settings.
        root: the folder of the project.

    Raises:
        SettingsError: the settings do not name a usable database.
    """
    return asyncio.run(examine(settings, root)).show(as_json=options["json"])


async def examine(settings: Settings, root: Path) -> Report:
    """Apply the missing migrations, and return a report with their names.

    Args:
        settings: the settings.
        root: the folder of the project.
    """
    report = Report()
    database = make_database(settings, root)
    try:
        names = await database.migrate() if isinstance(database, Migrating) else []
    except (SettingsError, DatabaseUnavailable) as error:
        located = settings.with_origin(error) if isinstance(error, SettingsError) else error
        report.problem("database", str(located))
    else:
        report.good("database", f"applied {', '.join(names)}" if names else "the schema was up to date")
    return report
