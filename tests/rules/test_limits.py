"""The limits on sizes, and the layout of the top level."""

from __future__ import annotations

import ast
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.drivers import require
from tests.gate.environment import ROOT

MAX_FILE = 500
MAX_FUNCTION = 40
MEDIAN_BODY = 3
MOST_BODIES = 11
"""Half of the function bodies in thywill/ have at most the first number of lines, nine of ten the second."""
FOLDERS = ("thywill", "apps", "static/thywill", "tests")
FUNCTION = (ast.FunctionDef, ast.AsyncFunctionDef)
TOP_LEVEL = {"README.md", "run.py", "requirements.txt", "conf", "static", "apps", "tests", "thywill"}


def sources(root: Path) -> list[Path]:
    """Return the Python and JavaScript files that the limits are for."""
    found = [
        path for folder in FOLDERS for kind in ("py", "js") for path in root.glob(f"{folder}/**/*.{kind}")
    ]
    return sorted({*found, *root.glob("run.py")})


def long_files(root: Path) -> Iterator[str]:
    for path in sources(root):
        lines = len(path.read_text(encoding="utf-8").splitlines())
        if lines > MAX_FILE:
            yield f"{path.relative_to(root)}: {lines} lines"


def long_functions(root: Path) -> Iterator[str]:
    """Find functions of Python that are too long; the ES3 gate has the same limit for scripts."""
    for path in sources(root):
        if path.suffix != ".py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, FUNCTION):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION:
                    yield f"{path.relative_to(root)}:{node.lineno}: {node.name} has {lines} lines"


def body_lengths(root: Path) -> list[int]:
    """Return the lines of each function body in ``thywill/``, docstrings aside, the shortest first."""
    trees = (ast.parse(path.read_text(encoding="utf-8")) for path in root.glob("thywill/**/*.py"))
    functions = (node for tree in trees for node in ast.walk(tree) if isinstance(node, FUNCTION))
    return sorted(body_length(function) for function in functions)


def body_length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def strangers(root: Path) -> set[str]:
    """Return the files at the top level of a repository that do not belong there, without ignored ones."""
    git = require("git", "git")
    listing = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    output = subprocess.run(listing, cwd=root, check=True, capture_output=True, text=True).stdout
    names = {path.split("/")[0] for path in output.split("\0") if path}
    return {name for name in names if not name.startswith(".")} - TOP_LEVEL


def test_no_file_is_too_long() -> None:
    assert list(long_files(ROOT)) == []


def test_no_function_is_too_long() -> None:
    assert list(long_functions(ROOT)) == []


def test_most_functions_are_short() -> None:
    lengths = body_lengths(ROOT)
    print(f"{len(lengths)} functions; the longest has {lengths[-1]} lines")
    assert statistics.median(lengths) <= MEDIAN_BODY
    assert lengths[len(lengths) * 9 // 10] <= MOST_BODIES


@pytest.mark.skipif(not (ROOT / ".git").exists(), reason="this is no clone but an unpacked archive")
def test_the_top_level_holds_the_layout_alone() -> None:
    assert strangers(ROOT) == set()


def test_a_long_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "short.js").write_text("\n" * MAX_FILE)
    (tmp_path / "tests" / "long.js").write_text("\n" * (MAX_FILE + 1))
    assert list(long_files(tmp_path)) == ["tests/long.js: 501 lines"]


def test_a_long_function_is_found(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text(
        "def short():\n" + "    pass\n" * 39 + "async def long():\n" + "    pass\n" * 40
    )
    assert list(long_functions(tmp_path)) == ["run.py:41: long has 41 lines"]


def test_bodies_are_counted_without_their_docstrings(tmp_path: Path) -> None:
    (tmp_path / "thywill").mkdir()
    short = 'def a():\n    """Text."""\n'
    longer = 'async def b():\n    """Text.\n\n    More."""\n    x = 1\n    # Why.\n    return x\n'
    (tmp_path / "thywill" / "one.py").write_text(short + longer)
    assert body_lengths(tmp_path) == [0, 3]


def test_a_stranger_at_the_top_level_is_found(tmp_path: Path) -> None:
    subprocess.run([require("git", "git"), "init", "-q", str(tmp_path)], check=True)
    for name in ("README.md", ".gitignore", "setup.py"):
        (tmp_path / name).touch()
    assert strangers(tmp_path) == {"setup.py"}
