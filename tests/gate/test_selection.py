"""``-k`` reads only the files that can match, and leaves out none that holds a test of that name."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.gate.environment import ROOT
from tests.gate.naming import TARGET
from tests.gate.selection import Chosen
from tests.gate.steps import PYTEST


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """The names in each of the project's own test files, as pytest itself collects them."""
    target = tmp_path_factory.mktemp("names") / "names.json"
    command = [*PYTEST, "--collect-only", "-q", "-p", "tests.gate.naming"]
    subprocess.run(
        command, cwd=ROOT, env={**os.environ, TARGET: str(target)}, check=False, capture_output=True
    )
    found: dict[str, list[str]] = json.loads(target.read_text())
    return found


@pytest.mark.timeout(300)
def test_no_file_is_left_out_that_has_a_test_of_that_name(names: dict[str, list[str]]) -> None:
    assert len(names) > 100
    missed = [
        (path, name)
        for path, found in names.items()
        for name in {piece for each in found for piece in re.findall(r"\w+", each)}
        if name not in ("and", "or", "not") and not Chosen(name, ROOT).may_hold(Path(path))
    ]
    assert missed == []


@pytest.mark.timeout(300)
def test_most_files_are_left_out(names: dict[str, list[str]]) -> None:
    chosen = Chosen("wire", ROOT)
    read = [path for path in names if chosen.reads(Path(path))]
    assert len(read) < len(names) / 2
    assert chosen.report() == [f"{len(read)} of {len(names)} test files can match 'wire': only they are read"]


FILE = """
import signal
from enum import Enum

import pytest

from tests.unit.shared import KINDS, Kind

LONG, SHORT = "long" * 3, "short"
TestNamed = make()

class Colour(Enum):
    RED = "red"

@pytest.mark.browser
@pytest.mark.parametrize("shape", ["round", b"square\\n", LONG, None, 1.5e-7, f"{SHORT}ish", Colour.RED])
def test_plain(shape): alone = 1

class TestGroup:
    @pytest.mark.parametrize(("a", "b"), [pytest.param(1, 2, id="pair"), (Kind("thing"), signal.SIGTERM)])
    async def test_inside(self, a, b): pass

@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.title)
def test_kinds(kind): pass
"""
SHARED = """
class Base:
    title = "basic"
class Kind(Base):
    title = "special"
KINDS = (Kind, *(Base,))
"""
COMPUTED = """
import pytest
@pytest.mark.parametrize("path", [str(path) for path in here()])
def test_paths(path): pass
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "tests" / "unit"
    folder.mkdir(parents=True)
    (tmp_path / "tests" / "conftest.py").write_text(
        "import pytest\n@pytest.fixture(params=['fast'])\ndef http(): pass"
    )
    (folder / "shared.py").write_text(SHARED)
    (folder / "test_file.py").write_text(FILE)
    (folder / "test_computed.py").write_text(COMPUTED)
    return tmp_path


@pytest.mark.parametrize(
    "expression",
    [
        "unit", "test_file", "plain", "PLAIN", "TestGroup", "inside", "named", "browser", "gen_test", "shape",
        "round", "square", "longlonglong", "none", "1.5e", "shortish", "Colour.RED", "pair",
        "special", "basic", "kind", "fast", "shape0", "test_plain[round]", "test_kinds[special-fast]",
        "plain and round", "elsewhere or plain", "not elsewhere", "not plain", "plain and not round",
        "(no sense",
    ],
)  # fmt: skip
def test_a_file_that_can_match_is_read(root: Path, expression: str) -> None:
    assert Chosen(expression, root).may_hold(root / "tests" / "unit" / "test_file.py")


@pytest.mark.parametrize(
    "expression",
    ["elsewhere", "alone", "thing", "shared", "plain and elsewhere", "not (elsewhere or not absent)"],
)
def test_a_file_that_cannot_match_is_left_out(root: Path, expression: str) -> None:
    assert not Chosen(expression, root).may_hold(root / "tests" / "unit" / "test_file.py")


def test_a_file_whose_ids_are_computed_is_always_read(root: Path) -> None:
    assert Chosen("elsewhere", root).may_hold(root / "tests" / "unit" / "test_computed.py")


def test_a_list_that_grows_is_computed(root: Path) -> None:
    file = root / "tests" / "unit" / "test_computed.py"
    file.write_text(
        "import pytest\nX = ['a']\nX += other()\n@pytest.mark.parametrize('x', X)\ndef test_x(x): pass"
    )
    assert Chosen("elsewhere", root).may_hold(file)


def test_without_an_expression_everything_is_read(root: Path) -> None:
    chosen = Chosen("", root)
    assert chosen.reads(root / "tests" / "unit" / "test_file.py")
    assert chosen.report() == []
