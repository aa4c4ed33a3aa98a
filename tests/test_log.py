"""The contract of a log, over every implementation, and its parts."""

from __future__ import annotations

import asyncio
import io
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from thywill.components.log.base import Log, LogSettings
from thywill.components.log.console import ConsoleLog
from thywill.components.log.file import FileHandler, FileLog, FileSettings
from thywill.components.log.limit import RateLimit
from thywill.components.log.line import LineFormatter, escape
from thywill.components.log.spool import Spool
from thywill.errors import SettingsError

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3} "
LOGGERS = ("thywill", "apps", "tornado", "tornado.access", "asyncio")

from tests.test_database_peewee import forbidden  # noqa

hub = logging.getLogger("thywill.hub")


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
    monkeypatch.setattr(sys, "stderr", stream)
    return Place(lambda **settings: ConsoleLog(LogSettings(**settings), folder), stream.getvalue)


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


@asynccontextmanager
async def running(log: Log) -> AsyncIterator[Log]:
    await log.start()
    try:
        yield log
    finally:
        await log.stop()


def record(
    message: str, *args: Any, level: int = logging.WARNING, name: str = "thywill.hub"
) -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 1, message, args, None)


@pytest.mark.gen_test
async def test_a_line_has_time_level_logger_and_message(place):
    async with running(place.make()):
        hub.info("client %s comes", "abc")
    assert re.fullmatch(STAMP + "INFO    thywill.hub client abc comes\n", place.read())


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
    assert place.messages() == ["INFO    thywill.hub run 0", "INFO    thywill.hub run 1"]


@pytest.mark.gen_test
async def test_a_value_cannot_forge_a_line(place):
    async with running(place.make()):
        hub.warning(
            "bad name %s", "x\r\n2026-01-01 00:00:00.000 INFO    thywill.hub forged\x1b[2J\u2028\x85\u202e"
        )
    assert len(place.read().splitlines()) == 1
    assert place.read().isascii()
    assert r"bad name x\r\n2026-01-01" in place.read()
    assert r"forged\x1b[2J\u2028\x85\u202e" in place.read()


@pytest.mark.gen_test
async def test_a_traceback_is_indented_and_escaped(place):
    async with running(place.make()):
        try:
            raise ValueError("first\n2026-01-01 00:00:00.000 INFO    thywill.hub forged\x1b[2J")
        except ValueError:
            hub.exception("a hook failed")
    first, *rest = place.messages()
    assert first == "ERROR   thywill.hub a hook failed"
    assert rest[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") for line in rest)
    assert "\x1b" not in place.read()


@pytest.mark.gen_test
async def test_text_of_any_language_is_written_as_it_is(place):
    async with running(place.make()):
        hub.info("%s", "Zoë 日本語 العربية 𝄞")
        hub.info("%s", "lone \ud800")
    assert place.messages() == [
        "INFO    thywill.hub Zoë 日本語 العربية 𝄞",
        r"INFO    thywill.hub lone \ud800",
    ]


@pytest.mark.gen_test
async def test_what_cannot_be_formatted_is_logged_all_the_same(place):
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError("broken")

    async with running(place.make()):
        hub.info("%d clients", "many")
        hub.info("client %s", Broken())
        hub.info("still here")
    assert place.messages() == [
        "INFO    thywill.hub %d clients (not formatted: TypeError)",
        "INFO    thywill.hub client %s (not formatted: RuntimeError)",
        "INFO    thywill.hub still here",
    ]


@pytest.mark.gen_test
async def test_a_value_is_logged_as_it_was_at_the_call(place):
    async with running(place.make()):
        names = ["a"]
        hub.info("names %s", names)
        names.append("b")
    assert place.messages() == ["INFO    thywill.hub names ['a']"]


@pytest.mark.gen_test
async def test_repeated_warnings_are_summed_up(place):
    async with running(place.make()):
        for number in range(1244):
            hub.warning("bad request %d", number)
            hub.info("fine %d", number)
    lines = place.messages()
    assert len([line for line in lines if "fine" in line]) == 1244
    assert [line for line in lines if "fine" not in line] == [
        *(f"WARNING thywill.hub bad request {number}" for number in range(10)),
        "WARNING thywill.hub ... and 1234 more like it in 10 s: bad request %d",
    ]


@pytest.mark.gen_test
async def test_ten_thousand_lines_at_once_do_not_stop_the_loop_and_are_written(place):
    async with running(place.make()):
        for number in range(10_000):
            hub.info("line %d", number)
            if number % 100 == 0:
                await asyncio.sleep(0)
    lines = place.messages()
    assert lines[0] == "INFO    thywill.hub line 0"
    assert lines[-1].endswith("line 9999") or "dropped" in place.read()


# The limit on repeated warnings, with literal times.


class Limited:
    """A limit of 3 in 10 s for 2 kinds, and all that came through it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.lines: list[str] = []
        self.limit = RateLimit(self.add, limit=3, interval=10.0, keys=2, clock=lambda: self.now)

    def add(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())

    def log(self, now: float, *records: logging.LogRecord) -> None:
        self.now = now
        for one in records:
            if self.limit.filter(one):
                self.add(one)

    def sweep(self, now: float) -> None:
        self.now = now
        self.limit.sweep()


@pytest.fixture
def limited() -> Limited:
    return Limited()


def test_the_first_few_of_an_interval_pass(limited):
    for now in (0.0, 1.0, 2.0, 3.0, 9.9):
        limited.log(now, record("at %s", now))
    assert limited.lines == ["at 0.0", "at 1.0", "at 2.0"]


def test_the_rest_is_summed_up_when_the_interval_ends(limited):
    limited.log(5.0, *[record("bad %d", number) for number in range(5)])
    limited.sweep(14.9)
    assert limited.lines == ["bad 0", "bad 1", "bad 2"]
    limited.sweep(15.0)
    limited.sweep(16.0)
    assert limited.lines[3:] == ["... and 2 more like it in 10 s: bad %d"]


def test_the_sum_comes_before_the_next_of_its_kind(limited):
    limited.log(0.0, *[record("bad")] * 5)
    limited.log(10.0, record("bad"))
    assert limited.lines == ["bad", "bad", "bad", "... and 2 more like it in 10 s: bad", "bad"]


def test_an_interval_without_suppressed_lines_has_no_sum(limited):
    limited.log(0.0, *[record("bad")] * 3)
    limited.sweep(10.0)
    assert limited.lines == ["bad"] * 3


def test_kinds_are_counted_apart(limited):
    limited.log(0.0, *[record("bad")] * 3, record("bad", name="thywill.queue"))
    assert limited.lines == ["bad"] * 4


def test_exceptions_of_other_types_are_other_kinds(limited):
    failures = []
    for error in (ValueError("a"), ValueError("b"), KeyError("c")):
        failures.append(record("hook failed", level=logging.ERROR))
        failures[-1].exc_info = (type(error), error, None)
    limited.log(0.0, *failures[:2], *failures[:2], failures[2])
    assert len(limited.lines) == 4


def test_lines_below_a_warning_are_not_limited(limited):
    limited.log(0.0, *[record("fine", level=logging.INFO)] * 50)
    assert limited.lines == ["fine"] * 50


def test_the_number_of_kinds_is_bounded(limited):
    limited.log(0.0, *[record(f"bad {number}") for number in range(10)])
    assert limited.lines == ["bad 0", "bad 1", "bad 2", "bad 3", "bad 4"]
    limited.sweep(10.0)
    assert limited.lines[5:] == ["... and 5 more like it in 10 s: other warnings"]
    limited.log(11.0, record("bad 11"))
    assert limited.lines[6:] == ["bad 11"]


def test_the_end_sums_up_what_is_not_over(limited):
    limited.log(0.0, *[record("bad")] * 5)
    limited.limit.finish()
    assert limited.lines[3:] == ["... and 2 more like it in 10 s: bad"]


def test_a_long_template_is_cut_in_the_sum(limited):
    limited.log(0.0, *[record("x" * 5000)] * 5)
    limited.sweep(10.0)
    assert len(limited.lines[3]) < 300


# Between the loggers and the thread.


class Stalled(logging.Handler):
    """A target that writes only while ``gate`` is set, as a disk that hangs."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.begun = threading.Event()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.begun.set()
        self.gate.wait()
        self.lines.append(record.getMessage())


def test_a_target_that_hangs_holds_up_nobody_and_the_dropped_are_counted():
    target = Stalled()
    spool = Spool(target, capacity=3)
    spool.start()
    spool.handle(record("0"))
    target.begun.wait()
    for number in range(1, 10):
        spool.handle(record(str(number)))
    target.gate.set()
    while len(target.lines) < 4:
        target.begun.wait()
    spool.handle(record("later"))
    spool.close()
    assert target.lines == [
        *"0123",
        "6 log lines were dropped: they came faster than they could be written",
        "later",
    ]


def test_a_target_that_raises_does_not_end_the_log(capsys):
    class Raising(Stalled):
        def emit(self, record: logging.LogRecord) -> None:
            if record.msg == "bad":
                raise RuntimeError("bad")
            self.lines.append(record.getMessage())

        def handleError(self, record: logging.LogRecord) -> None:
            self.lines.append("failed")

    target = Raising()
    spool = Spool(target)
    spool.start()
    spool.handle(record("bad"))
    spool.handle(record("good"))
    spool.close()
    assert target.lines == ["failed", "good"]


def test_a_spool_that_never_started_closes():
    Spool(Stalled()).close()


def test_lines_are_written_when_a_process_ends_without_stop(tmp_path):
    script = (
        "import asyncio, logging, pathlib\n"
        "from thywill.components.log.file import FileLog, FileSettings\n"
        "async def main():\n"
        f"    await FileLog(FileSettings(), pathlib.Path({str(tmp_path)!r})).start()\n"
        "    for number in range(1000): logging.getLogger('thywill').info('line %d', number)\n"
        "    raise SystemExit(3)\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).parent.parent
    ended = subprocess.run([sys.executable, "-c", script], cwd=root, check=False, capture_output=True)
    assert (ended.returncode, ended.stderr) == (3, b"")
    assert len((tmp_path / "thywill.log").read_text().splitlines()) == 1000


# One line.


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("plain 日本 𝄞 \\ %s", "plain 日本 𝄞 \\ %s"),
        ("a\nb\rc\td\0e", r"a\nb\rc\td\x00e"),
        ("\x1b[31m \x7f \x9b \x85", r"\x1b[31m \x7f \x9b \x85"),
        ("\u2028\u2029\u202e\u2066\ufeff\ud800", r"\u2028\u2029\u202e\u2066\ufeff\ud800"),
    ],
)
def test_escape(text, escaped):
    assert escape(text) == escaped


def test_colour_is_around_the_level_alone():
    line = LineFormatter(colour=True).format(record("a \x1b[0m message"))
    assert re.fullmatch(STAMP + r"\033\[33mWARNING\033\[0m thywill.hub a \\x1b\[0m message", line)


def test_a_stack_is_written_below_its_line():
    with_stack = record("here")
    with_stack.stack_info = "Stack (most recent call last):\n  one"
    assert LineFormatter().format(with_stack).endswith("here\n    Stack (most recent call last):\n      one")


# The console.


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "coloured"),
    [
        (Terminal, {"TERM": "xterm"}, True),
        (Terminal, {"TERM": "dumb"}, False),
        (Terminal, {"TERM": "xterm", "NO_COLOR": "1"}, False),
        (io.StringIO, {"TERM": "xterm"}, False),
    ],
)
@pytest.mark.gen_test
async def test_only_a_terminal_gets_colours(monkeypatch, tmp_path, stream, environment, coloured):
    monkeypatch.delenv("NO_COLOR", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stderr", stream())
    async with running(ConsoleLog(LogSettings(), tmp_path)):
        hub.warning("look")
    assert ("\033[33m" in sys.stderr.getvalue()) == coloured


@pytest.mark.gen_test
async def test_a_closed_terminal_disturbs_nobody(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    async with running(ConsoleLog(LogSettings(), tmp_path)):
        sys.stderr.close()
        hub.warning("nobody reads this")


# The file.


def read_all(path: Path) -> list[str]:
    return [
        line for file in sorted(path.parent.glob(path.name + "*")) for line in file.read_text().splitlines()
    ]


@pytest.fixture
def target(tmp_path: Path):
    """Return a handler for ``test.log`` that rotates at 1,000 bytes, with a plain format."""
    handler = FileHandler(tmp_path / "test.log", 1000, 3)
    yield handler
    handler.close()


@pytest.mark.gen_test
async def test_a_file_is_rotated_by_its_size(tmp_path):
    async with running(FileLog(FileSettings(max_bytes=2000, backups=3), tmp_path)):
        for number in range(200):
            hub.info("line %d", number)
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["thywill.log", "thywill.log.1", "thywill.log.2", "thywill.log.3"]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())
    assert (tmp_path / "thywill.log").read_text().endswith("line 199\n")
    assert "line 0\n" not in "".join(read_all(tmp_path / "thywill.log"))


@pytest.mark.gen_test
async def test_a_file_without_a_limit_is_not_rotated(tmp_path):
    async with running(FileLog(FileSettings(max_bytes=0), tmp_path)):
        for number in range(200):
            hub.info("line %d", number)
    assert [path.name for path in tmp_path.iterdir()] == ["thywill.log"]


@pytest.mark.gen_test
async def test_a_file_is_appended_to(tmp_path):
    (tmp_path / "thywill.log").write_text("before\n")
    async with running(FileLog(FileSettings(), tmp_path)):
        hub.info("after")
    assert len((tmp_path / "thywill.log").read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"max_bytes": -1}, "[log] max_bytes must not be below 0, not -1"),
        ({"backups": 0}, "[log] backups must be at least 1, not 0"),
    ],
)
def test_a_setting_out_of_range_is_refused(settings, line):
    with pytest.raises(SettingsError) as caught:
        FileSettings(**settings)
    assert str(caught.value) == line


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("taken/thywill.log", "taken: File exists"),
        ("folder", "folder: Is a directory"),
        ("/proc/nothing/thywill.log", "/proc/nothing: No such file or directory"),
    ],
)
@pytest.mark.gen_test
async def test_a_file_that_cannot_be_written_is_refused(tmp_path, path, reason):
    (tmp_path / "taken").write_text("")
    (tmp_path / "folder").mkdir()
    with pytest.raises(SettingsError) as caught:
        await FileLog(FileSettings(path=path), tmp_path).start()
    where = reason if path.startswith("/") else f"{tmp_path}/{reason}"
    expected = f"[log] path: cannot write {where}; change its rights or name another file"
    assert str(caught.value) == expected


@pytest.mark.gen_test
async def test_a_folder_without_rights_is_refused(forbidden):
    with pytest.raises(SettingsError, match=r"thywill\.log: Permission denied; change its rights"):
        await FileLog(FileSettings(), forbidden).start()


def test_a_full_disk_is_said_once_and_the_gap_is_counted(target, monkeypatch, capsys):
    monkeypatch.setattr(target, "_open", lambda: open("/dev/full", "w"))  # noqa: SIM115, PTH123 - the handler closes it
    target._let_go()
    for number in range(50):
        target.handle(record(str(number)))
    monkeypatch.undo()
    target.handle(record("again"))
    target.handle(record("and again"))
    assert (
        capsys.readouterr().err == "thywill: the log cannot be written: [Errno 28] No space left on device\n"
    )
    assert Path(target.baseFilename).read_text().splitlines() == [
        "50 log lines are missing here: they could not be written",
        "again",
        "and again",
    ]


def test_a_failed_rotation_goes_on_in_the_old_file(target, monkeypatch, capsys):
    def refuse(source: str, destination: str) -> None:
        raise PermissionError(13, "Permission denied", source)

    monkeypatch.setattr(target, "rotate", refuse)
    for number in range(300):
        target.handle(record(f"line {number}"))
    assert len(Path(target.baseFilename).read_text().splitlines()) == 300
    assert len(capsys.readouterr().err.splitlines()) == 1


@pytest.mark.parametrize("replace", [lambda path: path.rename(f"{path}.old"), lambda path: path.unlink()])
def test_a_file_that_was_moved_or_removed_is_begun_anew(target, replace):
    path = Path(target.baseFilename)
    target.handle(record("old"))
    replace(path)
    target.handle(record("new"))
    assert path.read_text() == "new\n"


def test_a_closed_standard_error_does_not_matter(target, monkeypatch):
    monkeypatch.setattr(target, "_open", lambda: open("/dev/full", "w"))  # noqa: SIM115, PTH123 - the handler closes it
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    sys.stderr.close()
    target._let_go()
    target.handle(record("lost"))
