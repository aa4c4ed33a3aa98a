"""The stop of the applications: hooks end in time, or are named, cancelled and left behind."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from pathlib import Path
from typing import Any

import pytest

from tests.support.hub_fakes import World
from thywill.application import Application
from thywill.application_interface import ending
from thywill.application_interface.loading import Loaded, page_of
from thywill.application_interface.local import LocalApplications, LocalSettings
from thywill.client import Client
from thywill.core.envelope import Item

pytestmark = pytest.mark.gen_test


class Slow(Application):
    """Waits for ``go`` in a hook; ``deaf`` ignores that it is cancelled."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.deaf = False
        self.ends: list[str] = []

    async def on_message(self, client: Client, message: Any) -> None:
        await self.wait("message")

    async def wait(self, name: str) -> None:
        while not self.go.is_set():
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                if not self.deaf:
                    self.ends.append(f"{name} cancelled")
                    raise
        self.ends.append(f"{name} ended")

    async def on_stop(self) -> None:
        self.ends.append("on_stop")


def begun(seconds: float) -> tuple[LocalApplications, Slow, str]:
    """Return an application in the middle of a hook, which has so many seconds when the server stops."""
    world = World()
    loaded = Loaded(Slow, page_of(Slow, "slow", Path()))
    applications = LocalApplications(LocalSettings([]), world.actions, 1000, seconds, [loaded])
    client = world.create("slow")
    client.inbox.received = 1
    applications.received(client, [Item(1, "text")])
    application = applications.application("slow")
    assert isinstance(application, Slow)
    return applications, application, client.id


def lines(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str]]:
    return [(record.levelname, record.getMessage()) for record in caplog.records]


async def test_a_hook_that_ends_in_time_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    applications, slow, _ = begun(30)
    await applications.start()
    stopping = asyncio.ensure_future(applications.stop())
    await asyncio.sleep(0)
    slow.go.set()
    await stopping
    assert slow.ends == ["message ended", "on_stop"]
    assert lines(caplog) == []


async def test_a_hook_that_takes_too_long_is_named_and_cancelled(caplog: pytest.LogCaptureFixture) -> None:
    applications, slow, client = begun(0.05)
    await applications.start()
    await asyncio.sleep(0)
    await applications.stop()
    assert slow.ends == ["message cancelled", "on_stop"]
    assert lines(caplog) == [
        ("WARNING", f"the stop waits for hooks, 0.05 s at most: slow.on_message for {client}")
    ]


async def test_a_hook_that_ignores_its_cancellation_is_named_and_left(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "CANCEL_SECONDS", 0.05)
    applications, slow, client = begun(0.05)
    slow.deaf = True
    await applications.start()
    await asyncio.sleep(0)
    await applications.stop()
    assert slow.ends == ["on_stop"]
    named = f"slow.on_message for {client}"
    assert lines(caplog)[-1] == ("ERROR", f"hooks were cancelled and still run; they are abandoned: {named}")
    slow.go.set()


async def test_an_on_stop_that_never_ends_is_left_as_well(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ending, "CANCEL_SECONDS", 0.05)
    applications, slow, _ = begun(0.05)
    slow.go.set()
    gate = asyncio.Event()

    async def never() -> None:
        while not gate.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await gate.wait()

    monkeypatch.setattr(slow, "on_stop", never)
    await applications.start()
    await asyncio.sleep(0)
    await applications.stop()
    assert [name for level, name in lines(caplog) if level == "ERROR"] == [
        "hooks were cancelled and still run; they are abandoned: slow.on_stop"
    ]
    gate.set()


async def test_many_hooks_are_named_in_one_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    world = World()
    loaded = Loaded(Slow, page_of(Slow, "slow", Path()))
    applications = LocalApplications(LocalSettings([]), world.actions, 1000, 0.05, [loaded])
    for _ in range(7):
        client = world.create("slow")
        client.inbox.received = 1
        applications.received(client, [Item(1, "text")])
    await asyncio.sleep(0)
    await applications.stop()
    [(_, line)] = lines(caplog)
    assert line.count("slow.on_message for") == 5
    assert line.endswith(" and 2 more")
