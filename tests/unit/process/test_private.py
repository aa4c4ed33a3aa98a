"""The rights of the files that the server writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from thywill.process.private import make_private


def write(path: Path, mode: int) -> Path:
    path.write_text("")
    path.chmod(mode)
    return path


def rights(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.parametrize(
    ("mode", "expected"), [(0o644, 0o600), (0o666, 0o600), (0o640, 0o640), (0o600, 0o600), (0o400, 0o400)]
)
def test_rights_of_all_users_are_taken_and_those_of_a_group_stay(tmp_path, mode, expected):
    tmp_path.chmod(0o755)
    file = write(tmp_path / "thywill.db", mode)
    assert make_private(tmp_path, [file, tmp_path / "not there"]) == []
    assert (rights(file), rights(tmp_path)) == (expected, 0o700)


def test_a_folder_with_other_files_stays_as_it_is(tmp_path):
    tmp_path.chmod(0o755)
    other = write(tmp_path / "page.html", 0o644)
    file = write(tmp_path / "thywill.db", 0o644)
    assert make_private(tmp_path, [file]) == []
    assert (rights(tmp_path), rights(other), rights(file)) == (0o755, 0o644, 0o600)


def test_what_a_link_leads_to_stays_as_it_is(tmp_path):
    target = write(tmp_path / "elsewhere", 0o644)
    (tmp_path / "thywill.log").symlink_to(target)
    make_private(tmp_path, [tmp_path / "thywill.log"])
    assert rights(target) == 0o644


def test_a_file_of_another_user_is_named(tmp_path, monkeypatch):
    file = write(tmp_path / "thywill.db", 0o644)

    def refuse(_self: Path, _mode: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)
    line = make_private(tmp_path, [file])[0]
    assert f"can access {file}; its rights cannot be changed: Operation not permitted" in line
