"""Lets a test that root runs be a user without rights for a while."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def forbidden_folder(*files: Path) -> Iterator[Path]:
    """Give a folder with copies of ``files``, all read-only to this process; root becomes somebody else."""
    folder = Path(tempfile.mkdtemp())
    for file in files:
        Path(shutil.copy(file, folder)).chmod(0o444)
    folder.chmod(0o555)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        yield folder
    finally:
        os.seteuid(user)
        shutil.rmtree(folder)


@contextmanager
def nobody() -> Iterator[None]:
    """Be somebody without rights for a while."""
    was_root = os.geteuid() == 0
    if was_root:
        os.setresuid(65534, 65534, 0)
    try:
        yield
    finally:
        if was_root:
            os.setresuid(0, 0, 0)
