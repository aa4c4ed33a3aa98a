"""The contract of a log, over every implementation."""

from __future__ import annotations

import asyncio
import io
import logging
import re
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.support.logs import STAMP, running
from thywill.errors import SettingsError
from thywill.log import base
from thywill.log.base import Log, LogSettings
from thywill.log.console import ConsoleLog
from thywill.log.file import FileLog, FileSettings
from thywill.log.limit import RateLimit

LOGGERS = ("thywill", "apps", "tornado", "tornado.access", "asyncio")

hub = logging.getLogger("thywill.hub.hub")


async def until(condition: Callable[[], bool]) -> None:
    """Return when the condition holds; the test's own time limit ends the wait."""
    while not condition():  # noqa: ASYNC110 - what is waited for has no event
        await asyncio.sleep(0.01)


class Place:
    """Makes logs of one implementation, and reads what they wrote."""

    def __init__(self, make: Callable[..., Log], read: Callable[[], str]) -> None:
        self.make = make
        self.read = read

    def messages(self) -> list[str]:
        """Return the lines without their time; a record's further lines begin with spaces."""
        return [re.sub(f"^{STAMP}", "", line) for line in self.read().splitlines()]


def console(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    stream = io.StringIO()

    def make(**settings: Any) -> Log:
        monkeypatch.setattr(sys, "stderr", stream)
        return ConsoleLog(LogSettings(**settings), folder)

    return Place(make, stream.getvalue)


def file(folder: Path, _monkeypatch: pytest.MonkeyPatch) -> Place:
    path = folder / "logs" / "test.log"
    return Place(
        lambda **settings: FileLog(FileSettings(**{"path": "logs/test.log"} | settings), folder),
        lambda: path.read_text(encoding="utf-8"),
    )


@pytest.fixture(params=[console, file])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made: Place = request.param(tmp_path, monkeypatch)
    return made


def fail(text: str) -> None:
    raise ValueError(text)


@pytest.mark.gen_test
async def test_a_line_has_time_level_logger_and_message(place):
    async with running(place.make()):
        hub.info("client %s comes", "abc")
    assert re.fullmatch(STAMP + "INFO    thywill.hub.hub client abc comes\n", place.read())


@pytest.mark.parametrize(
    ("level", "logged"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
@pytest.mark.gen_test
async def test_the_level_is_the_least_that_is_logged(place, level, logged):
    async with running(place.make(level=level)):
        for name in ("debug", "info", "warning", "error"):
            hub.log(getattr(logging, name.upper()), name)
    assert [line.split()[-1] for line in place.messages()] == logged


@pytest.mark.parametrize("level", ["INFO", "loud", "", 20])
def test_an_unknown_level_is_refused(place, level):
    with pytest.raises(SettingsError) as caught:
        place.make(level=level)
    assert str(caught.value) == f"[log] level = {level!r}: use one of debug, info, warning, error"


@pytest.mark.gen_test
async def test_applications_tornado_and_asyncio_are_logged_where_it_matters(place):
    async with running(place.make()):
        logging.getLogger("apps.chat").info("a room is opened")
        logging.getLogger("tornado.general").info("routine")
        logging.getLogger("tornado.application").error("Uncaught exception")
        logging.getLogger("tornado.access").warning("404 GET /favicon.ico")
        logging.getLogger("tornado.access").error("500 GET /chat/")
        logging.getLogger("asyncio").error("Task exception was never retrieved")
        logging.getLogger("elsewhere").error("not ours")
    assert place.messages() == [
        "INFO    apps.chat a room is opened",
        "ERROR   tornado.application Uncaught exception",
        "ERROR   tornado.access 500 GET /chat/",
        "ERROR   asyncio Task exception was never retrieved",
    ]


@pytest.mark.gen_test
async def test_debugging_shows_tornados_access_lines(place):
    async with running(place.make(level="debug")):
        logging.getLogger("tornado.access").info("200 GET /chat/")
    assert place.messages() == ["INFO    tornado.access 200 GET /chat/"]


@pytest.mark.gen_test
async def test_records_still_reach_the_root_logger(place, caplog):
    async with running(place.make()):
        hub.warning("for all")
    assert caplog.messages == ["for all"]


@pytest.mark.gen_test
async def test_stop_leaves_the_loggers_as_they_were(place):
    before = [(logging.getLogger(name).level, logging.getLogger(name).handlers[:]) for name in LOGGERS]
    threads = threading.active_count()
    log = place.make(level="debug")
    async with running(log):
        hub.debug("logged")
    hub.error("not logged")
    await log.stop()
    after = [(logging.getLogger(name).level, logging.getLogger(name).handlers[:]) for name in LOGGERS]
    assert before == after
    assert threads == threading.active_count()
    assert len(place.messages()) == 1


@pytest.mark.gen_test
async def test_it_starts_again_after_a_stop(place):
    log = place.make()
    for number in range(2):
        async with running(log):
            hub.info("run %d", number)
    assert place.messages() == ["INFO    thywill.hub.hub run 0", "INFO    thywill.hub.hub run 1"]


@pytest.mark.gen_test
async def test_a_value_cannot_forge_a_line(place):
    async with running(place.make()):
        hub.warning(
            "bad name %s",
            "x\r\n2026-01-01 00:00:00.000 INFO    thywill.hub.hub forged\x1b[2J\u2028\x85\u202e",
        )
    assert len(place.read().splitlines()) == 1
    assert place.read().isascii()
    assert r"bad name x\r\n2026-01-01" in place.read()
    assert r"forged\x1b[2J\u2028\x85\u202e" in place.read()


@pytest.mark.gen_test
async def test_a_traceback_is_indented_and_escaped(place):
    async with running(place.make()):
        try:
            fail("first\n2026-01-01 00:00:00.000 INFO    thywill.hub.hub forged\x1b[2J")
        except ValueError:
            hub.exception("a hook failed")
    first, *rest = place.messages()
    assert first == "ERROR   thywill.hub.hub a hook failed"
    assert rest[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in rest)
    assert "\x1b" not in place.read()


@pytest.mark.gen_test
async def test_text_of_any_language_is_written_as_it_is(place):
    async with running(place.make()):
        hub.info("%s", "Zoë 日本語 العربية 𝄞")
        hub.info("%s", "lone \ud800")
    assert place.messages() == [
        "INFO    thywill.hub.hub Zoë 日本語 العربية 𝄞",
        r"INFO    thywill.hub.hub lone \ud800",
    ]


@pytest.mark.gen_test
async def test_a_line_that_cannot_be_formatted_is_logged_all_the_same(place, monkeypatch):
    # pytest's own handler would raise.
    monkeypatch.setattr(logging.getLogger("thywill"), "propagate", False)

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("broken")

    async with running(place.make()):
        hub.info("%d clients", "many")
        hub.info("client %s", Broken())
        hub.info("still here")
    assert place.messages() == [
        "INFO    thywill.hub.hub %d clients (not formatted: TypeError)",
        "INFO    thywill.hub.hub client %s (not formatted: RuntimeError)",
        "INFO    thywill.hub.hub still here",
    ]


@pytest.mark.gen_test
async def test_a_value_is_logged_as_it_was_at_the_call(place):
    async with running(place.make()):
        names = ["a"]
        hub.info("names %s", names)
        names.append("b")
    assert place.messages() == ["INFO    thywill.hub.hub names ['a']"]


@pytest.mark.gen_test
async def test_repeated_warnings_are_summed_up(place):
    async with running(place.make()):
        for number in range(1244):
            hub.warning("bad request %d", number)
            hub.info("fine %d", number)
    lines = place.messages()
    assert len([line for line in lines if "fine" in line]) == 1244
    assert [line for line in lines if "fine" not in line] == [
        *(f"WARNING thywill.hub.hub bad request {number}" for number in range(10)),
        "WARNING thywill.hub.hub ... and 1234 more like it in 10 s: bad request %d",
    ]


@pytest.mark.gen_test
async def test_stop_writes_what_waits(place):
    async with running(place.make()):
        for number in range(5000):
            hub.info("line %d", number)
    assert place.messages() == [f"INFO    thywill.hub.hub line {number}" for number in range(5000)]


@pytest.mark.gen_test
async def test_the_sum_comes_when_the_interval_ends_even_if_nothing_else_is_logged(place, monkeypatch):
    monkeypatch.setattr(base, "SWEEP_EVERY", 0.01)
    monkeypatch.setattr(base, "RateLimit", partial(RateLimit, interval=0.02))
    async with running(place.make()):
        for _ in range(20):
            hub.warning("bad request")
        await until(lambda: "more like it in 0.02 s" in place.read())
