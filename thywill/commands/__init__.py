"""What ``run.py`` can do besides serving: each command looks at something and ends with 0, 1 or 2."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from thywill.commands import check, clients, doctor, migrate
from thywill.commands.report import Report
from thywill.config import Settings


def run_command(
    command: str, options: Mapping[str, Any], read_settings: Callable[[], Settings], root: Path
) -> int:
    """Run a command, print what it found, and return the exit status.

    Args:
        command: its name.
        options: what it was told, by name.
        read_settings: returns the settings, or raises a ``SettingsError``.
        root: the folder of the project.

    Raises:
        SettingsError: it was asked wrongly.
    """
    if command == "clients":
        return clients.run(options, read_settings(), root)
    if command == "check":
        report = asyncio.run(check.examine(read_settings, root, options["nginx"]))
    elif command == "doctor":
        request = doctor.Request(
            options["url"],
            options["patience"],
            options["application"],
            options["origin"],
            options["insecure"],
        )
        request.check()
        report = asyncio.run(doctor.examine(request))
    else:
        report = asyncio.run(migrate.examine(read_settings(), root))
    return show(report, as_json=options["json"])


def show(report: Report, *, as_json: bool) -> int:
    """Print ``report`` and return the exit status."""
    sys.stdout.write((report.as_json() if as_json else report.as_text()) + "\n")
    return report.status
