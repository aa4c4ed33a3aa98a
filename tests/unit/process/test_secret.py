"""The secret in the folder for data, also when several servers start at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from thywill.errors import SettingsError
from thywill.process.secret import SECRET_BYTES, read_secret


def test_the_first_start_creates_it_for_its_owner_only(tmp_path: Path) -> None:
    secret = read_secret(tmp_path, "secret")
    assert len(secret) == SECRET_BYTES
    assert read_secret(tmp_path, "secret") == secret
    assert (tmp_path / "secret").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]


def test_servers_that_start_at_once_have_the_same(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        for turn in range(20):
            folder = tmp_path / str(turn)
            folder.mkdir()
            found = set(pool.map(lambda _, folder=folder: read_secret(folder, "secret"), range(8)))
            assert len(found) == 1


def test_a_short_one_is_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"short")
    with pytest.raises(SettingsError, match="shorter than 32 bytes"):
        read_secret(tmp_path, "secret")
