"""A hook that holds the loop is named in the log, with the line that it has come to."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.serving import until
from thywill import Application
from thywill.application_interface.watcher import (
    CHECK_EVERY,
    CHECK_EVERY_WHILE_HELD,
    Hold,
    Watcher,
    hook_on_stack,
)


class Slow(Application):
    name = "slow"

    async def on_message(self, client: Any, message: Any) -> None:
        self.work(message)

    async def on_connect(self, client: Any) -> None:
        while time.monotonic() < client:
            self.work(CHECK_EVERY_WHILE_HELD / 4)
            await asyncio.sleep(0)

    def work(self, seconds: float) -> None:
        time.sleep(seconds)


@contextmanager
def watching(seconds: float) -> Iterator[Watcher]:
    watcher = Watcher(seconds)
    watcher.start()
    try:
        yield watcher
    finally:
        watcher.stop()


@pytest.mark.gen_test
async def test_a_hook_that_sleeps_is_named_with_its_line(caplog: pytest.LogCaptureFixture) -> None:
    with watching(0.2):
        # A machine that is busy elsewhere may hide one of them: the watcher then rather says nothing.
        while not caplog.records:
            await Slow().on_message(None, 0.6)
            await asyncio.sleep(2 * CHECK_EVERY)
    line = caplog.messages[0]
    assert line.startswith("slow.on_message held the loop for ")
    assert f"at {__file__}, line {Slow.work.__code__.co_firstlineno + 1}: meanwhile nobody was served" in line


@pytest.mark.gen_test
async def test_a_hook_that_awaits_is_not_named(caplog: pytest.LogCaptureFixture) -> None:
    with watching(0.2):
        await Slow().on_connect(time.monotonic() + 10 * CHECK_EVERY)
    assert caplog.messages == []


@pytest.mark.gen_test
async def test_the_thread_ends_with_the_watcher() -> None:
    with watching(0.2) as watcher:
        thread = watcher._thread
        assert thread is not None
        await until(thread.is_alive)
    assert not thread.is_alive()


@pytest.mark.gen_test
async def test_an_idle_thread_is_woken_by_the_next_hook(caplog: pytest.LogCaptureFixture) -> None:
    with watching(0.2) as watcher:
        while not caplog.records:
            await until(lambda: watcher.is_idle)
            watcher.wake()
            await Slow().on_message(None, 0.6)
            await asyncio.sleep(2 * CHECK_EVERY)
    assert caplog.messages[0].startswith("slow.on_message held the loop for ")


class Slowly:
    """What the watcher sees: equal names stand for one frame."""

    def __init__(self, hook: str) -> None:
        self.hook, self.place = hook, "here.py, line 1"
        self.frame = hook


@pytest.mark.parametrize(
    ("looks", "lines"),
    [
        ({0.0: "a", 0.1: "a", 0.2: "a", 0.32: "a"}, ["a held the loop for 0.4 s at here.py, line 1"]),
        ({0.0: "a", 0.1: "a", 0.16: "a"}, ["a held the loop for 0.2 s"]),
        ({0.0: "a", 0.1: "a"}, []),
        ({0.0: "a", 0.1: "b", 0.2: "c", 0.26: "d"}, []),
        ({0.0: "a", 0.1: None, 0.3: None}, []),
        ({0.0: "a", 0.3: "a", 0.33: "b"}, ["a held the loop for 0.4 s at here.py, line 1"]),
        ({0.0: "a", 0.1: "b", 0.33: "b"}, ["b held the loop for 0.3 s at here.py, line 1"]),
        (
            {0.0: "a", 3.0: "a", 5.1: "a", 6.02: "a"},
            ["a has held the loop for 5.1 s and still does", "a held the loop for 6.1 s"],
        ),
    ],
)
def test_only_a_hook_that_was_there_all_the_time_is_named(
    looks: dict[float, Any], lines: list[str], caplog: pytest.LogCaptureFixture
) -> None:
    hold = Hold(0.0, 0.2)
    for now, hook in looks.items():
        hold.sample(None if hook is None else Slowly(hook), now)  # type: ignore[arg-type]
    hold.ended(max(looks))
    assert len(caplog.messages) == len(lines)
    assert all(got.startswith(line) for got, line in zip(caplog.messages, lines, strict=True))
    assert all(record.levelno == logging.WARNING for record in caplog.records)


def test_a_stack_without_an_application_shows_no_hook() -> None:
    assert hook_on_stack(sys._getframe()) is None
    assert hook_on_stack(None) is None


def test_an_application_from_no_file_is_seen_all_the_same() -> None:
    space: dict[str, Any] = {"__name__": "nowhere", "Application": Application, "sys": sys}
    exec("class Typed(Application):\n    name = 'typed'\n    def hook(self): return sys._getframe()", space)
    seen = hook_on_stack(space["Typed"]().hook())
    assert seen is not None
    assert seen.hook == "typed.hook"
