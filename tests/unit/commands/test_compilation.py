"""What ``run.py compile`` says when it cannot compile; ``tests/served/test_compiled.py`` compiles."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.gate.environment import ROOT
from thywill.commands import compilation
from thywill.commands.compilation import FILES, MYPY, NotCompiled, build, replace, require


def test_all_that_it_needs_is_here() -> None:
    require()


@pytest.mark.parametrize(
    ("missing", "told"),
    [("mypyc", f"-m pip install {MYPY} setuptools"), ("setuptools", "-m pip install setuptools")],
)
def test_a_missing_package_is_named(missing: str, told: str) -> None:
    with pytest.raises(NotCompiled, match=re.escape(told)):
        require(has=lambda name: None if name == missing else object())


def test_a_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(NotCompiled, match=r"there is no C compiler .*: install the package gcc"):
        require(which=lambda _: None)
    monkeypatch.setattr(compilation.sysconfig, "get_path", lambda _: str(tmp_path))
    with pytest.raises(NotCompiled, match=r"Python\.h is missing: install the package python3-dev"):
        require()


def test_the_compiler_is_the_one_that_the_tests_have() -> None:
    assert MYPY in (ROOT / "tests" / "requirements.txt").read_text().split()


def test_every_module_exists() -> None:
    assert [name for name in FILES if not (ROOT / name).exists()] == []


def test_none_of_them_is_imported_before_it_is_known_whether_the_compiled_ones_fit() -> None:
    names = [name.removesuffix(".py").replace("/", ".") for name in FILES]
    script = f"import sys, thywill.commands.main; sys.exit(' '.join(set({names}) & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stderr == "\n"


def test_another_user_can_read_what_takes_the_place_of_the_old(tmp_path: Path) -> None:
    old, new = tmp_path / "compiled", tmp_path / "new"
    for folder in (old, new):
        (folder / "core").mkdir(parents=True, mode=0o700)
    (old / "core" / "old.so").write_bytes(b"old")
    (new / "core" / "new.so").write_bytes(b"new")
    (new / "core" / "new.so").chmod(0o600)
    replace(old, new)
    assert [path.name for path in sorted(old.rglob("*"))] == ["core", "new.so"]
    assert [oct(path.stat().st_mode & 0o777) for path in (old, old / "core", old / "core" / "new.so")] == [
        "0o755",
        "0o755",
        "0o644",
    ]
    assert not new.exists()


def test_sources_that_change_while_it_compiles_are_not_taken_for_those_that_it_compiled(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = tmp_path / "thywill" / "module.py"
    source.parent.mkdir()
    source.write_text("old = 1\n")
    (tmp_path / "place" / "lib").mkdir(parents=True)

    def compile_slowly(*_: object, **__: object) -> subprocess.CompletedProcess[str]:
        source.write_text("new = 1\n")
        return subprocess.CompletedProcess([], 0, "", "")

    monkeypatch.setattr(compilation.subprocess, "run", compile_slowly)
    with pytest.raises(NotCompiled, match="have changed meanwhile"):
        build(tmp_path, tmp_path / "place")
