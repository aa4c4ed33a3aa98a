"""A limit on how often the same warning is logged."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from thywill.log.line import notice

LIMIT = 10
INTERVAL = 10.0
KEYS = 1000
SHOWN = 200
"""How many characters of a template a summary repeats."""


class Key(NamedTuple):
    """The kind of a record: records with equal keys are counted together.

    Args:
        logger: the name of the logger.
        template: the text before the arguments are put in.
        error: the class of the reported exception, or None.
    """

    logger: str
    template: str
    error: type[BaseException] | None


OTHERS = Key("thywill.log", "other warnings", None)


@dataclass(slots=True)
class Window:
    """Counts the records of one key in one interval.

    Args:
        ends: when the interval is over, by the clock of the filter.
        level: the level of the first record.
        count: the number of records.
    """

    ends: float
    level: int
    count: int = 0


class RateLimit(logging.Filter):
    """Lets the first few warnings or errors of a kind pass in an interval, and counts the rest.

    Lines that an attacker can cause at will must neither fill the disk nor hide the rest of the log. Lines
    below WARNING always pass, since the operator asked for them.

    Args:
        release: called after an interval with a record that counts the suppressed ones. That record must not
            pass this filter again.
        limit: how many records of one kind pass in one interval.
        interval: the length of an interval in seconds; it begins with the first record of a kind.
        keys: how many kinds are counted separately at a time; all others are counted together.
        clock: a monotonic clock, in seconds.
    """

    def __init__(
        self,
        release: Callable[[logging.LogRecord], None],
        *,
        limit: int = LIMIT,
        interval: float = INTERVAL,
        keys: int = KEYS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self._release = release
        self._limit = limit
        self._interval = interval
        self._keys = keys
        self._clock = clock
        self._windows: dict[Key, Window] = {}
        # Any thread may log.
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record passes; first release the summary of the last interval of its kind."""
        if record.levelno < logging.WARNING:
            return True
        now = self._clock()
        key = _key(record)
        with self._lock:
            ended = self._end(now, key)
            window = self._window(now, key, record.levelno)
            window.count += 1
            passes = window.count <= self._limit
        self._sum_up(ended)
        return passes

    def sweep(self) -> None:
        """Release the summaries of the intervals that are over; call it about once a second."""
        now = self._clock()
        with self._lock:
            ended = self._end(now, *self._windows)
        self._sum_up(ended)

    def finish(self) -> None:
        """Release the summaries of all intervals, whether over or not."""
        with self._lock:
            ended, self._windows = self._windows, {}
        self._sum_up(ended)

    def _end(self, now: float, *keys: Key) -> dict[Key, Window]:
        over = [key for key in keys if key in self._windows and self._windows[key].ends <= now]
        return {key: self._windows.pop(key) for key in over}

    def _window(self, now: float, key: Key, level: int) -> Window:
        if key not in self._windows and len(self._windows) >= self._keys:
            key = OTHERS
        return self._windows.setdefault(key, Window(now + self._interval, level))

    def _sum_up(self, windows: dict[Key, Window]) -> None:
        for key, window in windows.items():
            if window.count > self._limit:
                self._release(self._summary(key, window))

    def _summary(self, key: Key, window: Window) -> logging.LogRecord:
        more = window.count - self._limit
        text = f"... and {more} more like it in {self._interval:g} s: {key.template[:SHOWN]}"
        return notice(text, logger=key.logger, level=window.level)


def _key(record: logging.LogRecord) -> Key:
    return Key(record.name, str(record.msg), record.exc_info[0] if record.exc_info else None)
