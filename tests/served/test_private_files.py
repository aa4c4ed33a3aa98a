"""A whole server: nobody but its user may read what it writes, whatever the umask and the files were."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.served import Served


@pytest.fixture
def loose() -> Iterator[None]:
    """The loosest umask, as a careless init script has it."""
    old = os.umask(0)
    yield
    os.umask(old)


def rights(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


@pytest.mark.usefixtures("loose")
@pytest.mark.parametrize("exist", [False, True], ids=["new", "existing"])
def test_only_the_user_of_the_server_has_rights(tmp_path: Path, exist: bool) -> None:
    folder = tmp_path / "var"
    if exist:
        folder.mkdir()
        for name in ("thywill.db", "thywill.log"):
            (folder / name).write_bytes(b"")
        (folder / "secret").write_bytes(bytes(32))
        assert set(rights(folder).values()) == {0o666}
    with Served(tmp_path, "--data", str(folder), "--log", "file", "--queue", "database") as served:
        found = rights(folder)
        assert folder.stat().st_mode & 0o777 == 0o700
        assert set(found.values()) == {0o600}
        assert {"secret", "thywill.db", "thywill.db-wal", "thywill.db.lock", "thywill.log"} <= found.keys()
        assert served.stop() == (0, "")
