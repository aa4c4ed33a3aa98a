"""What was just looked up in files: a flood of requests must not look at the same files for each of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

SECONDS = 0.1
"""How long a change of a file may go unnoticed: less than it takes to reload a page after saving it."""

V = TypeVar("V")


class Moment:
    """Remembers values for a moment, by their keys.

    Args:
        clock: seconds that only grow.
        most: how many are remembered at once.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, most: int = 1000) -> None:
        self._clock = clock
        self._most = most
        self._values: dict[Hashable, Any] = {}
        self._until = float("-inf")

    def get(self, key: Hashable, make: Callable[[], V]) -> V:
        """Return the value of ``key``, made by ``make`` unless that was a moment ago."""
        now = self._clock()
        if now >= self._until or len(self._values) >= self._most:
            self._values.clear()
            self._until = now + SECONDS
        if key not in self._values:
            self._values[key] = make()
        value: V = self._values[key]
        return value
