"""A histogram: counts values by ranges of size."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""Bounds for times from a millisecond to a minute (the delay to a page on a phone that slept)."""


def median(bounds: Sequence[float], counts: Sequence[int]) -> float | None:
    """Return an estimate of the median; None if nothing was counted.

    The estimate assumes that values are spread evenly within a range. For example, 4 values up to 1 and 4
    from 1 to 2 have the median 1; without the first four it would be 1.5.

    Args:
        bounds: the upper bounds of all ranges but the last, in ascending order.
        counts: how many values each range has.
    """
    total, below, lower = sum(counts), 0, 0.0
    if not total:
        return None
    for bound, count in zip(bounds, counts, strict=False):
        if below + count >= total / 2:
            return lower + (bound - lower) * (total / 2 - below) / count
        below, lower = below + count, bound
    return lower


class Histogram:
    """Counts values by size: ``counts[i]`` counts those up to ``bounds[i]``, the last one all larger values.

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
