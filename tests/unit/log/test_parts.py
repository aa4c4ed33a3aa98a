"""The parts of a log: the limit on repeated warnings, the queue of the thread, the format of a line."""

from __future__ import annotations

import logging
import re
import threading

import pytest

from tests.support.logs import STAMP, record
from thywill.log.limit import RateLimit
from thywill.log.line import LineFormatter, escape
from thywill.log.spool import Spool

# The limit on repeated warnings, with literal times.


class Limited:
    """A limit of 3 records in 10 s for 2 kinds, and the records that passed it."""

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


def test_lines_wait_for_others_until_the_log_closes():
    target = Stalled()
    target.gate.set()
    spool = Spool(target, pause=3600)
    spool.start()
    spool.handle(record("one"))
    spool.handle(record("two"))
    spool.close()
    assert target.lines == ["one", "two"]


def test_a_spool_that_never_started_closes():
    Spool(Stalled()).close()


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
    assert re.fullmatch(STAMP + r"\033\[33mWARNING\033\[0m thywill.hub.hub a \\x1b\[0m message", line)


def test_a_stack_is_written_below_its_line():
    with_stack = record("here")
    with_stack.stack_info = "Stack (most recent call last):\n  one"
    assert LineFormatter().format(with_stack).endswith("here\n    Stack (most recent call last):\n      one")
