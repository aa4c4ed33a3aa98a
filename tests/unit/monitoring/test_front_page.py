"""The figures of the front page."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from thywill.core.histogram import Histogram, median
from thywill.hub.meter import Meter
from thywill.monitoring.census import Count
from thywill.monitoring.front_page import LastSecond
from thywill.monitoring.watch import Watch


def make_recent(meter: Meter, count: Count, monotonic: Callable[[], float]) -> LastSecond:
    async def take() -> Count:
        return count

    watch = SimpleNamespace(meter=meter, census=SimpleNamespace(take=take))
    return LastSecond(cast(Watch, watch), monotonic=monotonic)


@pytest.mark.gen_test
async def test_the_figures_of_a_second() -> None:
    meter, count, clock = Meter(), Count(), iter([10.0, 12.0])
    recent = make_recent(meter, count, lambda: next(clock))
    count.clients["chat", "connected", "longpoll"] = 3
    count.clients["chat", "detached", "longpoll"] = 9
    count.clients["draw", "connected", "xhr-streaming"] = 1
    meter.add("chat")
    meter.applications["chat"].queued += 50
    for _ in range(4):
        meter.delay.observe(0.004)
    figures: dict[str, Any] = await recent.take()
    assert figures == {"pages": 4, "people": {"chat": 3, "draw": 1}, "messages": 25.0, "delay": 3.8}


@pytest.mark.parametrize(
    ("values", "expected"), [([], None), ([0.5], 0.5), ([1, 1, 2, 2], 1.0), ([1.5], 1.5), ([9.0], 2.0)]
)
def test_the_median_is_within_its_range(values: list[float], expected: float | None) -> None:
    histogram = Histogram([1.0, 2.0])
    for value in values:
        histogram.observe(value)
    assert median(histogram.bounds, histogram.counts) == expected
