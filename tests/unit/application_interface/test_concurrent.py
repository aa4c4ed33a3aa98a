"""Calls that run beside the other hooks of their client, and calls whose client has gone."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from tests.support.hub_fakes import World
from thywill import Application, Client, rpc
from thywill.application_interface.concurrent import ConcurrentCalls
from thywill.testing import run

pytestmark = pytest.mark.gen_test


class Slow(Application):
    def __init__(self) -> None:
        self.events: list[Any] = []

    async def on_message(self, client: Client, message: Any) -> None:
        self.events.append(message)

    async def on_disconnect(self, client: Client) -> None:
        self.events.append("disconnect")

    @rpc(concurrent=True)
    async def fetch(self, client: Client, seconds: float) -> str:
        return await self._sleep(seconds)

    @rpc
    async def wait(self, client: Client, seconds: float) -> str:
        return await self._sleep(seconds)

    async def _sleep(self, seconds: float) -> str:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            self.events.append("cancelled")
            raise
        self.events.append("slept")
        return f"after {seconds:g}"


async def test_what_comes_after_a_concurrent_call_does_not_wait_for_it() -> None:
    async with run(Slow) as app:
        page = await app.connect()
        first, second = await page.begin_call("fetch", 10), await page.begin_call("fetch", 5)
        await page.send("at once")
        assert app.application.events == ["at once"]
        await app.advance(5)
        assert (first(), second()) == (None, {"result": "after 5"})
        await app.advance(5)
        assert first() == {"result": "after 10"}


async def test_an_ordinary_call_is_waited_for() -> None:
    async with run(Slow) as app:
        page = await app.connect()
        await page.begin_call("wait", 10)
        await page.send("after it")
        assert app.application.events == []
        await app.advance(10)
        assert app.application.events == ["slept", "after it"]


@pytest.mark.parametrize("method", ["wait", "fetch"])
async def test_a_call_is_cancelled_a_second_after_its_client_has_left(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with run(Slow) as app:
        page, other = await app.connect(), await app.connect()
        await page.begin_call(method, 1000)
        outcome = await other.begin_call(method, 10)
        await page.leave()
        await app.advance(0.9)
        assert app.application.events == []
        await app.advance(0.1)
        assert app.application.events == ["cancelled", "disconnect"]
        await app.advance(10)
        assert outcome() == {"result": "after 10"}
    assert f"test_concurrent.{method} was cancelled: its client {page.id} has gone" in caplog.text
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


async def test_a_call_that_ends_soon_is_not_cancelled() -> None:
    async with run(Slow) as app:
        page = await app.connect()
        await page.begin_call("wait", 0.5)
        await page.leave()
        await app.advance(2)
        assert app.application.events == ["slept", "disconnect"]


async def test_a_stop_cancels_calls_without_a_trace_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    async with run(Slow) as app:
        page = await app.connect()
        await page.begin_call("fetch", 1000)
        caplog.set_level(logging.WARNING)
    assert "test_concurrent.fetch for" in caplog.text
    assert app.application.events == ["cancelled"]


async def test_steps_are_reported_in_order() -> None:
    client = World().connect()
    gates = {4: asyncio.Event(), 6: asyncio.Event()}
    handled: list[int] = []
    idle: list[bool] = []
    calls = ConcurrentCalls(client, handled.append, lambda: idle.append(True))
    for number, gate in gates.items():
        calls.start(number, "fetch", gate.wait)  # type: ignore[arg-type]
    for number in (4, 5, 6, 7):
        calls.step_ended(number)
    assert handled == []
    gates[6].set()
    await asyncio.sleep(0.001)
    assert (handled, idle) == ([], [])
    gates[4].set()
    await calls.all_ended()
    assert handled == [4, 5, 6, 7]
    assert idle == [True]
