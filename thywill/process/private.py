"""Makes the files of the server readable for its user only, since they contain messages and secrets.

The umask makes new files private. Files of an earlier version, or of a copy, may be readable for everybody.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

OTHERS = 0o007
OWNER = 0o700


def make_private(folder: Path, files: Iterable[Path]) -> list[str]:
    """Remove all rights but the owner's from those ``files`` on which all users of the machine have rights.

    Files on which only the group has rights stay as they are: somebody has granted these on purpose, such as
    for reading the log. The folder is treated in the same way if it contains nothing but these files.

    Returns:
        A line for each file that cannot be changed.
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
        return f"all users of this machine have rights on {path}; they cannot be taken: {error.strerror}"
    return None
