"""The figures, and what pages see of them."""

from __future__ import annotations

import unittest
from pathlib import Path
from typing import Any

import pytest

from apps.display import QUIET, TAPS, Display
from apps.display.figures import CHARTS, Figures, resident
from thywill import Totals
from thywill.testing import run

NAMES = [chart.name for chart in CHARTS]


def sums(**fields: float) -> Totals:
    nothing: dict[str, Any] = dict.fromkeys(Totals._fields, 0)
    return Totals(**{**nothing, **fields})


def make_figures(*totals: Totals) -> Figures:
    counted, clock, processor = iter(totals), iter([10.0, 12.0, 12.0]), iter([1.0, 1.5, 1.5])
    return Figures(lambda: next(counted), monotonic=lambda: next(clock), processor=lambda: next(processor))


def test_sums_become_rates_and_means() -> None:
    later = sums(clients=3, sent=50, delay=0.02, delays=4, lag=0.003, lags=2)
    values = dict(zip(NAMES, make_figures(sums(), later).take(6), strict=True))
    assert values.pop("Memory")
    assert values == {
        "Messages to pages": 25.0,
        "Delay of a message": 5.0,
        "Open pages": 3,
        "Taps": 3.0,
        "Processor": 25.0,
        "Lateness of the loop": 1.5,
    }


def test_what_was_not_measured_is_no_value() -> None:
    values = dict(zip(NAMES, make_figures(sums(), sums()).take(0), strict=True))
    assert values["Delay of a message"] is None
    assert values["Lateness of the loop"] is None
    assert values["Messages to pages"] == 0.0


def test_no_time_between_two_calls_is_no_error() -> None:
    figures = make_figures(sums(), sums(), sums(sent=1))
    figures.take(0)
    assert figures.take(0)[0] == 1000.0


def test_the_memory_is_that_of_this_process() -> None:
    assert resident() > 1024 * 1024


def test_a_system_that_does_not_tell_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.display.figures.STATM", Path("/nowhere"))
    assert resident() == 0
    assert make_figures(sums(), sums()).take(0)[NAMES.index("Memory")] is None


class TestDisplay(unittest.IsolatedAsyncioTestCase):
    """The application with its pages."""

    async def test_a_page_gets_figures_every_second(self) -> None:
        async with run(Display) as app:
            page = await app.connect()
            await app.advance(3)
            ticks = await page.all()
            assert [each["type"] for each in ticks] == ["tick"] * 3
            assert ticks[0]["at"] <= ticks[1]["at"] <= ticks[2]["at"]
            assert [len(each["values"]) for each in ticks] == [len(CHARTS)] * 3

    async def test_who_comes_late_sees_the_same(self) -> None:
        async with run(Display) as app:
            early = await app.connect()
            await app.advance(10)
            late = await app.connect()
            assert await late.all() == await early.all()
            await app.advance(1)
            assert await late.all() == await early.all()

    async def test_while_nobody_looks_there_are_fewer(self) -> None:
        async with run(Display) as app:
            await app.advance(4 * QUIET)
            assert len(await (await app.connect()).all()) == 4

    async def test_taps_are_counted_for_everybody_but_not_without_end(self) -> None:
        async with run(Display) as app:
            ada, bob = await app.connect(), await app.connect()
            await ada.send(*[{"type": "tap"}] * 1000)
            await bob.send({"type": "tap"})
            assert (await ada.next_error())["code"] == "too_many"
            assert app.application._taps == TAPS + 1
            await app.advance(1)
            place = NAMES.index("Taps")
            assert (await bob.next())["values"][place] > 0

    async def test_what_is_no_tap_is_refused(self) -> None:
        async with run(Display) as app:
            page = await app.connect()
            for message in ({"type": "tap", "count": 1e308}, {"type": "tick", "values": []}, "tap", None):
                await page.send(message)
                assert (await page.next_error())["code"] == "malformed"
