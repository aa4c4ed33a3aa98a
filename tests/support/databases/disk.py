"""A small disk, for tests of a full one."""

from __future__ import annotations

import pwd
import subprocess
from pathlib import Path

import pytest

from tests.browser.drivers.programs import require


class Disk:
    """A disk in memory, which takes root to mount.

    Args:
        folder: where it is to be.
        user: its owner.
    """

    def __init__(self, folder: Path, user: pwd.struct_passwd | None) -> None:
        if user is None:
            pytest.skip("only root may mount a disk")
        folder.mkdir()
        self.folder = folder
        options = f"size=12m,uid={user.pw_uid},gid={user.pw_gid},mode=700"
        mount = [require("mount", "mount"), "-t", "tmpfs", "-o", options, "none", str(folder)]
        result = subprocess.run(mount, capture_output=True, text=True)
        if result.returncode:
            pytest.skip(f"no disk can be mounted here: {result.stderr.strip()}")

    def grow(self) -> None:
        """Make room on it."""
        subprocess.run(["mount", "-o", "remount,size=200m", str(self.folder)], check=True)

    def remove(self) -> None:
        """Unmount it, even if a server that was killed still uses it."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
