"""``run.py serve`` with ``[server] processes`` above 1: the parent of the servers.

It imports no module that serves. So it stays small, and a rolling restart need not reload it.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime

from thywill.commands.options import REHEARSAL
from thywill.config import ServerSettings, Settings
from thywill.errors import SettingsError
from thywill.process.listeners import Listeners
from thywill.process.parent import Parent, Wanted, check_start, command_of_this_process
from thywill.process.sockets import Inherited

STAGES = 3
"""A server that ends may wait for ``stop_timeout`` three times: for requests, for hooks and for records."""
MARGIN = 10.0
"""Seconds after these times until a server that does not end is killed."""


def run(read: Callable[[], Settings], inherited: Inherited | None) -> int:
    """Start the servers, keep them alive until a signal ends them, and return their worst status.

    Args:
        read: returns the settings as they are now, or raises a ``SettingsError``.
        inherited: the sockets that were passed to this process, or None.

    Raises:
        SettingsError: the servers cannot start with these settings.
    """
    if not hasattr(os, "fork"):
        raise SettingsError("[server] processes: this system has no fork(): set processes = 1")
    settings = read()
    _write_log(settings.word("log", "format", "text"))
    rehearsal = command_of_this_process(REHEARSAL)
    status = check_start(rehearsal)
    if status:
        return status
    wanted = _wanted(settings)
    listeners = Listeners(wanted.address, wanted.port, inherited)
    parent = Parent(command_of_this_process(), rehearsal, wanted, lambda: _wanted(read()), listeners)
    return parent.run()


def _wanted(settings: Settings) -> Wanted:
    server = settings.section("server", ServerSettings)
    return Wanted(server.processes, server.address, server.port, STAGES * server.stop_timeout + MARGIN)


def _write_log(format_: str) -> None:
    # The settings in [log] are for the servers. The parent writes its few lines to standard error.
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if format_ == "json" else logging.Formatter(LINE, TIME))
    logging.getLogger("thywill").addHandler(handler)
    logging.getLogger("thywill").setLevel(logging.INFO)


LINE = "%(asctime)s.%(msecs)03d %(levelname)-7s %(name)s %(message)s"
TIME = "%Y-%m-%d %H:%M:%S"


class JsonLines(logging.Formatter):
    """Writes each line as a JSON object, with the same fields as the log of the servers."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        fields = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        return json.dumps(fields)
