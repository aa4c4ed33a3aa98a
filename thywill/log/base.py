"""The contract of a log, which writes the records of this process's loggers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple

from thywill.component import Component
from thywill.core.periods import until_next_period
from thywill.errors import SettingsError
from thywill.log.json_line import JsonFormatter
from thywill.log.limit import RateLimit
from thywill.log.line import LineFormatter
from thywill.log.spool import Spool

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

SWEEP_EVERY = 1.0
"""Seconds between two checks for suppressed lines whose count has to be written."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The settings that every log has in its section ``[log]``.

    Args:
        level: the least urgent lines that are logged: debug, info, warning or error.
        format: ``text``, or ``json``: an object in each line.
    """

    level: str = "info"
    format: Literal["text", "json"] = "text"

    def __post_init__(self) -> None:
        if self.level not in LEVELS:
            raise SettingsError(f"[log] level = {self.level!r}: use one of {', '.join(LEVELS)}")


def levels(least: int) -> dict[str, int]:
    """Return the loggers whose records a log writes, each with its level.

    asyncio is among them because it reports failed tasks. Tornado's INFO lines are left out. Its lines about
    each request, where a 404 is a warning, are left out unless the level is DEBUG.

    Args:
        least: the level of thywill's own loggers.
    """
    return {
        "thywill": least,
        "apps": least,
        "tornado": max(least, logging.WARNING),
        "tornado.access": logging.INFO if least == logging.DEBUG else logging.ERROR,
        "asyncio": max(least, logging.WARNING),
    }


class Running(NamedTuple):
    """The parts of a log between its start and its stop."""

    spool: Spool
    limit: RateLimit
    sweeper: asyncio.Task[None]


class Log(Component):
    """Attaches a handler to the loggers of thywill, the applications, Tornado and asyncio.

    The records still propagate, so handlers of the root logger receive them, too. Repeated warnings are
    counted instead of written, and a thread writes the lines, so that a slow disk or terminal never stops the
    event loop. A subclass implements ``make_handler``. ``place`` says which of several servers of one parent
    this is, such as ``2 of 4``; it is empty without a parent.

    Args:
        settings: an instance of ``Settings``.
        folder: the folder that relative paths begin at.
        packages: the packages of applications, whose lines are logged beside thywill's own.
    """

    Settings: ClassVar[type[Any]] = LogSettings

    def __init__(self, settings: Any, folder: Path, packages: Iterable[str] = ()) -> None:
        self.settings = settings
        self.folder = folder
        self.place = ""
        self._packages = frozenset(packages)
        self._running: Running | None = None
        self._before: dict[str, int] = {}

    def make_handler(self) -> logging.Handler:
        """Return the handler that writes the lines, with its formatter; called once for each start.

        Raises:
            SettingsError: the lines cannot be written where the settings say.
        """
        raise NotImplementedError

    def make_formatter(self, *, colour: bool = False) -> logging.Formatter:
        """Return the formatter that the settings choose; ``colour`` is for text on a terminal."""
        if self.settings.format == "json":
            return JsonFormatter(self.place)
        return LineFormatter(colour=colour, place=self.place)

    async def start(self) -> None:
        """Begin to write log lines.

        Raises:
            SettingsError: the lines cannot be written where the settings say.
        """
        spool = Spool(self.make_handler())
        limit = RateLimit(spool.write)
        spool.addFilter(limit)
        spool.start()
        self._attach(spool)
        self._running = Running(spool, limit, asyncio.create_task(_sweep(limit)))

    async def stop(self) -> None:
        """Accept no more lines, write the waiting ones, and close. Without a start, do nothing."""
        running, self._running = self._running, None
        if running is None:
            return
        running.sweeper.cancel()
        await asyncio.gather(running.sweeper, return_exceptions=True)
        self._detach(running.spool)
        running.limit.finish()
        running.spool.close()

    def _attach(self, spool: Spool) -> None:
        least = LEVELS[self.settings.level]
        for name, level in {**dict.fromkeys(self._packages, least), **levels(least)}.items():
            logger = logging.getLogger(name)
            self._before[name] = logger.level
            logger.setLevel(level)
            if "." not in name:
                logger.addHandler(spool)

    def _detach(self, spool: Spool) -> None:
        for name, level in self._before.items():
            logger = logging.getLogger(name)
            logger.setLevel(level)
            logger.removeHandler(spool)
        self._before = {}


async def _sweep(limit: RateLimit) -> None:
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(until_next_period(SWEEP_EVERY, loop.time()))
        limit.sweep()
