"""Makes the server's files readable for its user only, since they contain messages and secrets.

The umask makes new files private. Files of an earlier version, or copied files, may be readable for
everybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

OTHERS = 0o007
OWNER = 0o700


def make_private(folder: Path, files: Iterable[Path]) -> list[str]:
    """Remove all rights but the owner's from those ``files`` that other users of the machine can access.

    Files that only the group can access stay as they are: somebody has granted that on purpose, for example
    to read the log. The folder is treated in the same way if it contains only these files.

    Returns:
        a line for each file whose rights cannot be changed.
    """
    own = [path for path in files if path.is_file() and not path.is_symlink()]
    names = {path.name for path in own if path.parent == folder}
    if all(path.name in names for path in folder.iterdir()):
        own.append(folder)
    return [line for line in map(_tighten, own) if line]


def _tighten(path: Path) -> str | None:
    try:
        mode = path.stat().st_mode & 0o7777
        if mode & OTHERS:
            path.chmod(mode & OWNER)
    except OSError as error:
        return f"all users of this machine can access {path}; its rights cannot be changed: {error.strerror}"
    return None
