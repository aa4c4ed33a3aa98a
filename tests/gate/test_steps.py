"""The test command counts what its steps tell, and does not take a crash for a pass."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.gate import steps
from tests.gate.environment import VENV, MissingProgram
from tests.gate.steps import Outcome, Step

TAP = "TAP version 13\nok 1 - a\n# tests 6\n# pass 3\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 0\n"
JUNIT = '<testsuites><testsuite tests="9" failures="1" errors="1" skipped="2" /></testsuites>'


def test_the_closing_line_has_the_sums(capsys: pytest.CaptureFixture[str]) -> None:
    two = (Step("one", lambda out: Outcome(5, 0)), Step("two", lambda out: Outcome(1, 2, "why")))
    assert not steps.run_all(two)
    output = capsys.readouterr().out
    assert output.splitlines()[-1] == "6 passed, 2 failed"
    assert any(line.startswith("FAILED  two") and line.endswith("why") for line in output.splitlines())


def test_all_steps_pass(capsys: pytest.CaptureFixture[str]) -> None:
    assert steps.run_all((Step("one", lambda out: Outcome(5, 0)),))
    assert capsys.readouterr().out.endswith("5 passed, 0 failed\n")


def test_steps_run_beside_the_last_one_and_say_what_they_have_to(capsys: pytest.CaptureFixture[str]) -> None:
    is_done = threading.Event()

    def first(out: IO[str]) -> Outcome:
        status = steps.call(["echo", "a line of the first"], out)
        is_done.set()
        return Outcome(1, status)

    def last(out: IO[str]) -> Outcome:
        return Outcome(1, 0 if is_done.wait(60) else 1)

    assert steps.run_all((Step("one", first), Step("two", last)))
    assert "\n== one\na line of the first\n" in capsys.readouterr().out


def test_a_missing_program_is_a_skip_and_in_ci_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    error = MissingProgram("node", "nodejs")
    monkeypatch.setenv("CI", "")
    assert steps.missing(error) == Outcome(0, 0, "node is not installed: install the package nodejs")
    monkeypatch.setenv("CI", "true")
    assert steps.missing(error).failed == 1


def test_a_runner_that_fails_without_a_failed_test_is_a_failure() -> None:
    assert steps.counted(2, 7, 0, 0) == Outcome(7, 1, "ended with status 2")
    assert steps.counted(1, 7, 3, 0) == Outcome(7, 3, "7 passed, 3 failed")
    assert steps.counted(0, 7, 0, 1) == Outcome(7, 0, "7 passed, 0 failed, 1 skipped")


class Runs:
    """Takes the place of pytest: each run writes the next report."""

    def __init__(self, *reports: str, status: int = 1) -> None:
        self.reports = list(reports)
        self.status = status
        self.commands: list[list[str]] = []

    def __call__(self, command: list[str], out: IO[str]) -> int:
        self.commands.append(command)
        report = self.reports.pop(0)
        Path(command[-1].removeprefix("--junit-xml=")).write_text(report)
        return self.status if 'failures="0"' not in report else 0


@pytest.fixture
def no_output(tmp_path: Path) -> Iterator[IO[str]]:
    with (tmp_path / "output").open("w+") as out:
        yield out


def junit(tests: int, failures: int) -> str:
    attributes = f'tests="{tests}" failures="{failures}" errors="0" skipped="0"'
    return f"<testsuites><testsuite {attributes} /></testsuites>"


def test_what_fails_among_others_runs_again_alone(
    monkeypatch: pytest.MonkeyPatch, no_output: IO[str]
) -> None:
    runs = Runs(junit(9, 2), junit(2, 0))
    monkeypatch.setattr(steps, "call", runs)
    note = "7 passed, 2 failed; alone 2 of 2 passed: see above"
    assert steps.python_tests(no_output) == Outcome(9, 0, note)
    assert "--last-failed" in runs.commands[1]
    assert "-n" not in runs.commands[1]


def test_what_fails_alone_as_well_has_failed(monkeypatch: pytest.MonkeyPatch, no_output: IO[str]) -> None:
    monkeypatch.setattr(steps, "call", Runs(junit(9, 2), junit(2, 1)))
    assert steps.python_tests(no_output) == Outcome(7, 2, "7 passed, 2 failed")


def test_many_failures_are_no_matter_of_time(monkeypatch: pytest.MonkeyPatch, no_output: IO[str]) -> None:
    monkeypatch.setattr(steps, "call", Runs(junit(9, steps.MOST_ALONE + 1)))
    assert steps.python_tests(no_output).failed == steps.MOST_ALONE + 1


@pytest.mark.parametrize("status", [2, 3])
def test_a_run_that_was_cut_short_is_not_mended(
    monkeypatch: pytest.MonkeyPatch, no_output: IO[str], status: int
) -> None:
    monkeypatch.setattr(steps, "call", Runs(junit(9, 2), status=status))
    assert steps.python_tests(no_output).failed == 2


def test_reports_are_read(tmp_path: Path) -> None:
    (tmp_path / "tap").write_text(TAP)
    (tmp_path / "xml").write_text(JUNIT)
    assert steps.read_tap(tmp_path / "tap") == (3, 2, 1)
    assert steps.read_junit(tmp_path / "xml") == (5, 2, 2)


def test_a_missing_report_has_no_tests(tmp_path: Path) -> None:
    assert steps.read_tap(tmp_path / "tap") == (0, 0, 0)
    assert steps.read_junit(tmp_path / "xml") == (0, 0, 0)


def test_steps_keep_compiled_python_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert steps.environment()["PYTHONPYCACHEPREFIX"] == str(VENV / "pycache")
    assert not steps.environment()["PYTHONDONTWRITEBYTECODE"]
