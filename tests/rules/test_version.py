"""The version stands in one place, and the changelog says what came with it."""

from __future__ import annotations

import re

import thywill
from tests.gate.environment import ROOT

CHANGELOG = (ROOT / "thywill" / "CHANGELOG.md").read_text(encoding="utf-8")
HEADING = re.compile(r"^## (?:Unreleased|(\d+\.\d+\.\d+), \d{4}-\d\d-\d\d)$", re.MULTILINE)


def test_the_newest_release_in_the_changelog_is_the_version() -> None:
    released = [version for version in HEADING.findall(CHANGELOG) if version]
    assert released[0] == thywill.__version__
    assert released == sorted(
        released, key=lambda version: [int(part) for part in version.split(".")], reverse=True
    )


def test_every_heading_of_the_changelog_is_a_release() -> None:
    assert len(HEADING.findall(CHANGELOG)) == len(re.findall(r"^## ", CHANGELOG, flags=re.MULTILINE))
    assert CHANGELOG.count("## Unreleased") <= 1


def test_the_version_is_written_down_once() -> None:
    line = f'"{thywill.__version__}"'
    files = [
        path for path in sorted(ROOT.glob("thywill/**/*.py")) if line in path.read_text(encoding="utf-8")
    ]
    assert [path.relative_to(ROOT).as_posix() for path in files] == ["thywill/__init__.py"]


def test_the_hints_are_shown_to_type_checkers() -> None:
    assert (ROOT / "thywill" / "py.typed").exists()
