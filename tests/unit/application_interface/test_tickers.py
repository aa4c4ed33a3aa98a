"""``@every``: started after ``on_start``, never overlapping, guarded, and stopped before ``on_stop``."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from thywill import Application, every
from thywill.application_interface.tickers import next_due
from thywill.core.measures import Measures
from thywill.testing import run

pytestmark = pytest.mark.gen_test


class Game(Application):
    def __init__(self) -> None:
        self.events: list[Any] = []
        self.hold = 0.0
        self.fails = False

    async def on_start(self) -> None:
        await asyncio.sleep(0)
        self.events.append("start")

    async def on_stop(self) -> None:
        self.events.append("stop")

    @every(0.05)
    async def tick(self) -> None:
        self.events.append("tick")
        if self.fails:
            raise OSError("no")
        await asyncio.sleep(self.hold)
        self.events.append("tock")


async def test_a_ticker_runs_from_on_start_to_on_stop() -> None:
    async with run(Game) as app:
        assert app.application.events == ["start"]
        await app.advance(1)
        assert app.application.events == ["start", *["tick", "tock"] * 20]
        app.application.events.clear()
    assert app.application.events == ["stop"]


async def test_calls_never_overlap_and_those_that_are_missed_are_left_out() -> None:
    async with run(Game) as app:
        app.application.hold = 0.12
        await app.advance(0.4)
        # At 0.05, and then at the next multiples of 0.05 after each end: 0.20 and 0.35.
        assert app.application.events == ["start", "tick", "tock", "tick", "tock", "tick"]


async def test_an_exception_is_logged_and_the_next_call_comes(caplog: pytest.LogCaptureFixture) -> None:
    async with run(Game) as app:
        app.application.fails = True
        await app.advance(0.1)
        assert app.application.events == ["start", "tick", "tick"]
    assert caplog.text.count("test_tickers.tick failed; it is called again all the same") == 2
    assert "OSError: no" in caplog.text


async def test_a_stop_waits_for_the_call_that_is_under_way() -> None:
    async with run(Game) as app:
        app.application.hold = 0.1
        await app.advance(0.05)
        assert app.application.events == ["start", "tick"]
    assert app.application.events == ["start", "tick", "tock", "stop"]


async def test_a_leader_that_steps_down_stops_its_tickers_and_may_lead_again() -> None:
    async with run(Game) as app:
        applications: Any = app._engine.applications
        await applications.abandon("test_tickers")
        await app.advance(1)
        assert app.application.events == ["start", "stop"]
        await applications.lead("test_tickers", applications.actions)
        await app.advance(0.05)
        assert applications.application("test_tickers").events == ["start", "tick", "tock"]


async def test_lateness_is_measured() -> None:
    async with run(Game) as app:
        await app.advance(0.1)
        measures = Measures()
        app._engine.applications.measure(measures)
        (values,) = measures.all["thywill_every_late_seconds"].values.items()
        assert values[0] == (("application", "test_tickers"),)
        assert values[1].count == 2  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("now", "due"), [(10.0, 12.0), (11.9, 12.0), (12.0, 12.0), (12.1, 14.0), (17.0, 18.0)]
)
async def test_the_next_call_is_due_at_a_multiple(now: float, due: float) -> None:
    assert next_due(10.0, 2.0, now) == due
