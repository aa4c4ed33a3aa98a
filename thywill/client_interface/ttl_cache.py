"""A cache for a tenth of a second, so that many requests at once do not check the same files each time."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

SECONDS = 0.1
"""How long a value is kept. That is shorter than it takes to save a file and to reload the page."""

V = TypeVar("V")


class TtlCache:
    """Keeps values for at most ``SECONDS``, by their keys.

    Args:
        clock: the monotonic clock, in seconds.
        most: how many values are kept at once.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, most: int = 1000) -> None:
        self._clock = clock
        self._most = most
        self._values: dict[Hashable, Any] = {}
        self._until = float("-inf")

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """Return the value of ``key``; if it is not in the cache, call ``make`` for it."""
        now = self._clock()
        if now >= self._until or len(self._values) >= self._most:
            self._values.clear()
            self._until = now + SECONDS
        if key not in self._values:
            self._values[key] = make()
        value: V = self._values[key]
        return value
