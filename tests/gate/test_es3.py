"""The ES3 gate finds what old browsers cannot read, and lets pass what they can."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.drivers import require
from tests.gate import es3
from tests.gate.environment import prepare_node

GOOD = """(function () {
  'use strict';
  var list = ['a', 'b'], table = {'class': 1, name: list.indexOf('b')};
  window.table = table['class'] + table.name;
}());
"""


@pytest.fixture(autouse=True)
def _linters() -> None:
    require("node", "nodejs")
    require("npm", "npm")
    prepare_node()


def check(root: Path, text: str) -> list[str]:
    script = root / "static" / "thywill" / "script.js"
    script.parent.mkdir(parents=True)
    script.write_text(text)
    return es3.problems(root)


def test_good_code_passes(tmp_path: Path) -> None:
    assert check(tmp_path, GOOD) == []


@pytest.mark.parametrize(
    ("text", "tools"),
    [
        ("window.a = [1, 2,];", {"jshint", "eslint"}),
        ("window.a = {b: 1,};", {"jshint", "eslint"}),
        ("window.a = window.default;", {"jshint", "eslint"}),
        ("window.a = {class: 1};", {"jshint", "eslint"}),
        ("window.a = {get b() { return 1; }};", {"jshint", "eslint"}),
        ("let a = 1; window.a = a;", {"jshint", "eslint"}),
        ("window.a = () => 1;", {"jshint", "eslint"}),
        ("window.a = `b`;", {"jshint", "eslint"}),
        ("window.a = new window.WebSocket('/');", {"eslint"}),
        ("window.a = new Promise(window.b);", {"eslint"}),
        ("window.a = function b() {};", {"eslint"}),
        ("window.a = function () {\n" + "window.b();\n" * 40 + "};", {"eslint"}),
    ],
)
def test_bad_code_is_found_with_its_place(tmp_path: Path, text: str, tools: set[str]) -> None:
    found = check(tmp_path, f"\n{text}\n")
    assert all(line.startswith("static/thywill/script.js:") for line in found)
    assert tools <= {line.rpartition("(")[2].split()[0].rstrip(")") for line in found}


def test_scripts_of_applications_are_checked(tmp_path: Path) -> None:
    script = tmp_path / "apps" / "chat" / "static" / "chat.js"
    script.parent.mkdir(parents=True)
    script.write_text("let a;\n")
    assert any(line.startswith("apps/chat/static/chat.js:1:") for line in es3.problems(tmp_path))


def test_nothing_to_check_fails(tmp_path: Path) -> None:
    assert es3.problems(tmp_path) == [f"no scripts found in {' or '.join(es3.FOLDERS)}"]


def test_a_linter_that_cannot_run_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(es3, "NODE_TOOLS", tmp_path)
    jshint, eslint = check(tmp_path, GOOD)
    assert jshint.startswith("jshint failed: ")
    assert eslint.startswith("eslint failed: ")
