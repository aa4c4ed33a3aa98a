"""Collects warnings and errors of the log, for the pages of a developer."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

MOST = 100
"""How many notices are kept for the pages."""
RECENT = 5.0
"""Seconds for which a page that is opened later gets a notice, since it may be about this page."""


class Notice(NamedTuple):
    """A warning or an error of the log.

    Args:
        number: the notice's number, counted from 1.
        level: ``WARNING`` or ``ERROR``.
        text: the line, and the traceback that follows it.
        time: when the line was logged, in seconds of the monotonic clock.
    """

    number: int
    level: str
    text: str
    time: float


class Notices(logging.Handler):
    """Keeps the last warnings and errors of the log.

    Args:
        monotonic: the clock, in seconds.
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        super().__init__(logging.WARNING)
        self._monotonic = monotonic
        self._notices: deque[Notice] = deque(maxlen=MOST)
        self._count = 0

    @property
    def count(self) -> int:
        """The number of the last notice."""
        return self._count

    def emit(self, record: logging.LogRecord) -> None:
        self._count += 1
        level = "ERROR" if record.levelno >= logging.ERROR else "WARNING"
        self._notices.append(Notice(self._count, level, self.format(record), self._monotonic()))

    def after(self, number: int | None) -> list[Notice]:
        """Return the notices after ``number``; if it is None, those of the last ``RECENT`` seconds."""
        if number is None:
            since = self._monotonic() - RECENT
            return [notice for notice in self._notices if notice.time >= since]
        return [notice for notice in self._notices if notice.number > number]
