"""The frame of the status page."""

from __future__ import annotations

import re

from tests.gate.environment import ROOT

TEXT = (ROOT / "thywill/monitoring/status/static/status.html").read_text(encoding="utf-8")
TABLE = re.compile(r"<table.*?</table>", re.DOTALL)


def test_every_table_has_headers_of_its_columns_also_while_it_is_empty() -> None:
    tables = TABLE.findall(TEXT)
    assert len(tables) >= 6
    assert [table for table in tables if '<th scope="col"' not in table] == []
