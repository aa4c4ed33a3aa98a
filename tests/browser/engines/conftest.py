"""The engines as fixtures, and a table of what they did."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from tests.browser.engines.base import Engine
from tests.browser.engines.kinds import OPTIONAL, REQUIRED
from tests.browser.engines.optional import VARIABLE

pytest.register_assert_rewrite("tests.browser.engines.scenario")

KINDS = OPTIONAL if VARIABLE in os.environ else REQUIRED
COLUMNS = ("engine", "transport", "outcome", "connected", "message")


@pytest.fixture(scope="session", params=KINDS, ids=lambda kind: kind.name)
def launch_engine(request: pytest.FixtureRequest) -> Iterator[Callable[[], Engine]]:
    """Each engine in turn: a function that starts it at its first use, and again should it have crashed."""
    started: list[Engine] = []

    def launch() -> Engine:
        if not started or not started[-1].running:
            started.append(request.param())
        return started[-1]

    yield launch
    for engine in started:
        engine.close()


@pytest.fixture
def engine(launch_engine: Callable[[], Engine]) -> Engine:
    """Each engine in turn, running."""
    return launch_engine()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print a row for every try of the chat; the times are seconds."""
    rows = [
        row_of(report, outcome)
        for outcome in ("passed", "failed", "skipped")
        for report in terminalreporter.getreports(outcome)
        if "engine" in dict(report.user_properties) and (report.when == "call" or outcome != "passed")
    ]
    if rows:
        terminalreporter.section("the chat in the engines")
        for row in [COLUMNS, *rows]:
            terminalreporter.write_line(
                "{:18}{:27}{:10}{:>10}{:>10}  {}".format(*row, *[""] * (6 - len(row)))
            )


def row_of(report: pytest.TestReport, outcome: str) -> tuple[str, ...]:
    known = dict(report.user_properties)
    times = (f"{known[name]:.2f}" if name in known else "" for name in ("connected", "message"))
    reason = str(report.longrepr[2]) if outcome == "skipped" and isinstance(report.longrepr, tuple) else ""
    return (str(known["engine"]), str(known["transport"]), outcome, *times, reason)
