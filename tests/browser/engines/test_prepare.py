"""What engines are made of is found, or missed in the way of every program."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.browser.engines import prepare
from tests.gate import environment


def test_a_missing_module_skips_and_fails_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "in_ci", lambda: False)
    with pytest.raises(pytest.skip.Exception, match="the Python module no_such is not installed"):
        prepare.require_module("no_such", "python3-no-such")
    monkeypatch.setattr(environment, "in_ci", lambda: True)
    with pytest.raises(pytest.fail.Exception, match="install the package python3-no-such"):
        prepare.require_module("no_such", "python3-no-such")


def test_java_is_compiled_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    compiled: list[Path] = []

    def compile_java(files: list[Path], library: Path, folder: Path) -> None:
        compiled.append(folder)
        folder.mkdir()

    monkeypatch.setattr(prepare, "JAVA_FOLDER", tmp_path)
    monkeypatch.setattr(prepare, "compile_java", compile_java)
    source = tmp_path / "One.java"
    for text in ("first", "first", "second"):
        source.write_text(text)
        assert prepare.java_classes(tmp_path, Path("library.jar")) == compiled[-1]
    assert len(compiled) == 2
