"""The frame of the status page."""

from __future__ import annotations

import re

from tests.gate.environment import ROOT

STATIC = ROOT / "thywill/monitoring/status/static"
TEXT = (STATIC / "status.html").read_text(encoding="utf-8")
TABLE = re.compile(r"<table.*?</table>", re.DOTALL)


def test_every_table_has_headers_of_its_columns_also_while_it_is_empty() -> None:
    tables = TABLE.findall(TEXT)
    assert len(tables) >= 6
    assert [table for table in tables if '<th scope="col"' not in table] == []


def test_no_line_of_a_chart_is_made_paler() -> None:
    # The checks of contrast see only lines for which there are data at that moment.
    assert "opacity" not in (STATIC / "status.css").read_text(encoding="utf-8")
