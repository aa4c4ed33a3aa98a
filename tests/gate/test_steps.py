"""The test command counts what its steps tell, and does not take a crash for a pass."""

from __future__ import annotations

import threading
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
