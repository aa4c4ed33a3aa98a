"""The measurement of publishing, for a moment."""

from __future__ import annotations

import pytest

from tests.tools.publishing import __main__ as tool


def test_it_prints_a_line_for_each_load(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["publishing", "--queues", "memory,database", "--seconds", "0.1"])
    tool.main()
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 2 * 4
    assert all(len(line.split("|")) == 8 for line in lines)
