"""A distribution: how often a value was how large."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Bounds for times between a millisecond and a minute (the delay to a page on a phone that slept)."""


class Histogram:
    """Counts values by size: ``counts[i]`` those up to ``bounds[i]``, the last count all that are larger.

    Args:
        bounds: upper bounds, in ascending order.
    """

    __slots__ = ("bounds", "counts", "highest", "sum")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0
        self.highest = 0.0

    def observe(self, value: float) -> None:
        """Count ``value``."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.sum += value
        if value > self.highest:
            self.highest = value

    @property
    def count(self) -> int:
        """How many values were counted."""
        return sum(self.counts)

    def take_highest(self) -> float:
        """Return the highest value since the last call, and begin anew; 0 if there was none."""
        highest, self.highest = self.highest, 0.0
        return highest
