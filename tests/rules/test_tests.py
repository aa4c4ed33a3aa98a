"""No test imports from a test: what tests share lies in tests/support/, in a conftest, or beside them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tests.gate.environment import ROOT
from tests.rules.modules import imports_of, make_module


def imports_from_tests(root: Path) -> Iterator[str]:
    for path in sorted(root.glob("tests/**/*.py")):
        for statement in imports_of(make_module(path, root), ()):
            if statement.target.split(".")[-1].startswith("test_"):
                yield f"{path.relative_to(root)}:{statement.line}: imports from {statement.target}"


def test_no_test_imports_from_a_test() -> None:
    assert list(imports_from_tests(ROOT)) == []


def test_an_import_from_a_test_is_found(tmp_path: Path) -> None:
    folder = tmp_path / "tests" / "unit"
    folder.mkdir(parents=True)
    (folder / "test_one.py").write_text("from tests.support.logs import lines")
    (folder / "test_other.py").write_text("import os\nfrom .test_one import fill")
    (folder / "helper.py").write_text("from tests.unit.test_one import fill")
    assert list(imports_from_tests(tmp_path)) == [
        "tests/unit/helper.py:1: imports from tests.unit.test_one",
        "tests/unit/test_other.py:2: imports from tests.unit.test_one",
    ]
