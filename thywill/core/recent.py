"""A memory of the last few things."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Recent(Generic[K, V]):
    """A dict that forgets the oldest of its entries when there are more than ``limit``."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: dict[K, V] = {}

    def put(self, key: K, value: V) -> None:
        """Remember ``value``, as the newest."""
        self._values.pop(key, None)
        self._values[key] = value
        if len(self._values) > self._limit:
            del self._values[next(iter(self._values))]

    def get(self, key: K, default: V) -> V:
        """Return what is remembered, or ``default``."""
        return self._values.get(key, default)
