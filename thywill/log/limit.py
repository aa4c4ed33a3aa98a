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
"""How much of a template a summary repeats."""


class Key(NamedTuple):
    """What makes two records alike; the template is the text before its arguments are put in."""

    logger: str
    template: str
    error: type[BaseException] | None


OTHERS = Key("thywill.log", "other warnings", None)


@dataclass(slots=True)
class Window:
    """The records of one key in one interval."""

    ends: float
    level: int
    count: int = 0


class RateLimit(logging.Filter):
    """Lets through the first few warnings or errors of a kind in an interval, and counts the rest.

    What an attacker can cause at will must not fill the disk nor hide the rest of the log. Lines below
    WARNING pass: whoever asked for them wants them.

    Args:
        release: called with a record that sums up, after the interval; it must not pass this filter.
        limit: records of one kind that pass in one interval.
        interval: seconds from the first record of a kind.
        keys: kinds that are told apart at a time; beyond it they are counted together.
        clock: seconds that only grow.
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
        # Loggers are called in any thread.
        self._lock = threading.Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record passes; sum up before it what the last interval of its kind held back."""
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
        """Sum up and forget the intervals that are over; to be called now and then."""
        now = self._clock()
        with self._lock:
            ended = self._end(now, *self._windows)
        self._sum_up(ended)

    def finish(self) -> None:
        """Sum up and forget all, whether over or not."""
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
