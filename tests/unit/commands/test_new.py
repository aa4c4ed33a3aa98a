"""``run.py new NAME``: an application whose test passes, or one line that says why not."""

from __future__ import annotations

import ast
import sys
import tomllib
import unittest
from pathlib import Path

import pytest

import apps
from tests.gate.environment import ROOT
from thywill.commands import new
from thywill.commands.main import main
from thywill.errors import SettingsError

SETTINGS = (ROOT / "conf" / "thywill.toml").read_text(encoding="utf-8")

BEFORE = tomllib.loads(SETTINGS)["application_interface"]["applications"]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "thywill.toml").write_text(SETTINGS)
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "taken").mkdir()
    return tmp_path


def listed(root: Path) -> list[str]:
    text = (root / "conf" / "thywill.toml").read_text()
    applications: list[str] = tomllib.loads(text)["application_interface"]["applications"]
    return applications


@pytest.mark.parametrize(("path", "python"), [("", ".venv/bin/python"), ("{root}/.venv/bin", "python")])
def test_it_names_the_python_that_has_the_packages(
    root: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, path: str, python: str
) -> None:
    monkeypatch.chdir(root)
    monkeypatch.setenv("PATH", path.format(root=root))
    monkeypatch.setattr("sys.executable", str(root / ".venv" / "bin" / "python"))
    assert main(["new", "white_board"], root) == 0
    assert f":  {python} run.py --dev\n" in capsys.readouterr().out


def test_the_application_is_there_and_switched_on(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "white_board"], root) == 0
    files = sorted(str(path.relative_to(root / "apps")) for path in root.rglob("apps/white_board/**/*.*"))
    assert files == [
        "white_board/__init__.py",
        "white_board/static/white_board.css",
        "white_board/static/white_board.html",
        "white_board/static/white_board.js",
        "white_board/test_white_board.py",
    ]
    assert listed(root) == [*BEFORE, "apps.white_board"]
    assert "python3 -m tests apps/white_board" in capsys.readouterr().out
    assert (root / "apps/white_board/static/white_board.js").stat().st_mode & 0o777 == 0o644
    assert sorted(path.name for path in (root / "apps").iterdir()) == ["taken", "white_board"]


@pytest.mark.parametrize("name", ["board", "client", "a1"])
def test_its_own_test_passes(root: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["new", name], root) == 0
    monkeypatch.setattr(apps, "__path__", [str(root / "apps")])
    module = f"apps.{name}.test_{name}"
    try:
        result = unittest.TestResult()
        unittest.defaultTestLoader.loadTestsFromName(module).run(result)
    finally:
        for each in (module, f"apps.{name}"):
            sys.modules.pop(each, None)
    assert (result.testsRun, result.failures, result.errors) == (2, [], [])


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("my-app", "'my-app' cannot be the name of an application: .*; try my_app$"),
        ("Board", "; try board$"),
        ("2d", "; try d$"),
        ("class", "no keyword of Python$"),
        ("static", "cannot be the name"),
        ("../x", "; try x$"),
        ("", "cannot be the name"),
        ("taken", "/apps/taken exists already; choose another name$"),
    ],
)
def test_a_name_that_cannot_be_one_is_refused(
    root: Path, name: str, reason: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", name], root) == 2
    with pytest.raises(SettingsError, match=reason):
        new.run(name, root, root / "conf" / "thywill.toml")
    assert capsys.readouterr().err.count("\n") == 1
    assert listed(root) == BEFORE
    assert [path.name for path in (root / "apps").iterdir()] == ["taken"]


LISTS = {
    "empty": ("applications = []", ["apps.x"]),
    "one line": ('applications = ["a.b"]  # why', ["a.b", "apps.x"]),
    "a last comma": ('applications = ["a.b",]', ["a.b", "apps.x"]),
    "several lines": ('applications = [\n    "a.b",\n    "c.d",\n]', ["a.b", "c.d", "apps.x"]),
    "no last comma": ('applications = [\n    "a.b",\n    "c.d"\n]', ["a.b", "c.d", "apps.x"]),
}


@pytest.mark.parametrize(("line", "expected"), LISTS.values(), ids=LISTS)
def test_every_form_of_the_list_is_extended(root: Path, line: str, expected: list[str]) -> None:
    config = root / "conf" / "thywill.toml"
    before = (
        f'[server]\nport = 1\n\n[application_interface]\nslow_hook = 1.0\n{line}\n\n[log]\nlevel = "info"\n'
    )
    config.write_text(before)
    assert new.switch_on("apps.x", config)
    after = tomllib.loads(config.read_text())
    assert after["application_interface"]["applications"] == expected
    assert (after["server"], after["log"]) == ({"port": 1}, {"level": "info"})


@pytest.mark.parametrize(
    "text", ["", "[server]\nport = 1\n", '[application_interface]\n"applications" = []\n']
)
def test_settings_without_a_list_are_left_and_the_line_is_told(
    root: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = root / "conf" / "thywill.toml"
    config.write_text(text)
    assert new.run("board", root, config) == 0
    assert config.read_text() == text
    assert f'Add "apps.board" to the list [application_interface] applications in {config}.' in (
        capsys.readouterr().out
    )


def test_what_is_made_holds_no_newer_script_than_the_gate_allows(root: Path) -> None:
    main(["new", "board"], root)
    script = (root / "apps/board/static/board.js").read_text()
    assert not [word for word in ("const ", "let ", "=>", "`") if word in script]
    ast.parse((root / "apps/board/__init__.py").read_text())
