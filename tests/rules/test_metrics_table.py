"""``conf/README.md`` has a row for every metric that the sources name, and for no other."""

from __future__ import annotations

import ast
import re

from tests.gate.environment import ROOT

ROW = re.compile(r"^\| `(thywill_\w+)` \|", re.MULTILINE)
KINDS = {"gauge", "counter", "histogram"}


def metrics() -> set[str]:
    """Return the metrics that ``thywill/`` measures."""
    found: set[str] = set()
    for path in (ROOT / "thywill").glob("**/*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in KINDS
            ):
                name = node.args[0]
                if isinstance(name, ast.Constant):
                    found.add(str(name.value))
    return found


def test_every_metric_has_a_row() -> None:
    rows = ROW.findall((ROOT / "conf" / "README.md").read_text(encoding="utf-8"))
    assert sorted(rows) == sorted(metrics())
    assert len(rows) > 20
