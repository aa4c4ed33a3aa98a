"""When compiled modules are used, and when the plain ones run."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from thywill.process import compiled
from thywill.process.compiled import LIBRARY, MANIFEST, SUFFIX, digest, use, write_manifest


@pytest.fixture
def package(tmp_path: Path) -> Iterator[Path]:
    """A package with a folder of compiled modules that are of its sources, but whose files are none."""
    package = tmp_path / "thywill"
    folder = package / compiled.FOLDER / "never_imported"
    folder.mkdir(parents=True)
    (package / "one.py").write_text("ONE = 1")
    (folder.parent / f"{LIBRARY}{SUFFIX}").write_bytes(b"this is no library")
    (folder / f"one{SUFFIX}").write_bytes(b"nor is this")
    write_manifest(folder.parent, package)
    finders = list(sys.meta_path)
    yield package
    assert sys.meta_path == finders


def test_without_a_folder_nothing_is_said(tmp_path: Path) -> None:
    assert use(tmp_path) is None
    assert compiled.form() in ("plain", "compiled")


def test_the_digest_is_of_every_source(package: Path) -> None:
    before = digest(package)
    assert digest(package) == before
    (package / "one.py").write_text("ONE = 2")
    changed = digest(package)
    (package / "one.py").rename(package / "two.py")
    assert len({before, changed, digest(package)}) == 3


@pytest.mark.skipif(LIBRARY in sys.modules, reason="compiled modules are loaded")
@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda folder: None, "the compiled modules cannot be loaded ("),
        (lambda folder: (folder / ".." / "one.py").write_text("ONE = 2"), "of other sources"),
        (lambda folder: (folder / ".." / "more.py").write_text(""), "of other sources"),
        (lambda folder: (folder / MANIFEST).write_text(json.dumps({"digest": "0"})), "of other sources"),
        (lambda folder: (folder / MANIFEST).unlink(), "are not complete"),
        (lambda folder: (folder / MANIFEST).write_text("[]"), "are not complete"),
        (lambda folder: (folder / f"{LIBRARY}{SUFFIX}").unlink(), "the compiled modules cannot be loaded ("),
    ],
)
def test_what_does_not_fit_is_refused_with_one_line(package: Path, harm: object, told: str) -> None:
    harm(package / compiled.FOLDER)  # type: ignore[operator]
    line = use(package)
    assert line is not None
    assert told in line
    assert "\n" not in line
    assert line.endswith("so the plain modules run: python run.py compile, or remove the folder")


def test_a_process_that_has_imported_one_of_them_keeps_it(package: Path) -> None:
    folder = package / compiled.FOLDER
    (folder / f"pytest{SUFFIX}").write_bytes(b"")
    (folder / MANIFEST).unlink()
    assert use(package) is None
