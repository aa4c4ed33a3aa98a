"""The command that makes the tables."""

from __future__ import annotations

import pytest

from tests.browser.engines import table
from tests.browser.engines.scenario import Times


def test_a_table_is_markdown() -> None:
    lines = table.table(["one", "two"], [["engine-1", "pass", "no"]]).splitlines()
    assert lines == ["| engine | one | two |", "| --- | --- | --- |", "| engine-1 | pass | no |"]


def test_times_are_written_in_fitting_units() -> None:
    assert table.described(Times(0.456, 0.0234, "longpoll")) == ["longpoll", "0.46 s", "23 ms"]


def test_a_failure_is_a_cell_and_stops_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> list[str]:
        raise AssertionError("it was lost")

    assert table.attempt(fail, 3) == [table.FAILED, "", ""]
    assert "it was lost" in capsys.readouterr().err


def test_an_engine_that_is_not_there_is_said_with_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        table.main(["firefoxx"])
    assert "firefoxx; there are chromium, firefox" in capsys.readouterr().err
