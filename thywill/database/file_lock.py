"""A lock that the operating system releases when its process ends, however it ends."""

from __future__ import annotations

import errno
import os
from pathlib import Path

UNSUPPORTED = {errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}
"""The errors of ``flock`` on file systems without locks, such as some network file systems."""


class FileLock:
    """An exclusive lock (``flock``) on a file of its own; the file stays when the lock is released.

    Args:
        path: the file; it is created if it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def take(self) -> bool | None:
        """Take the lock; return whether this process has it now, or None if the file system has no locks."""
        try:
            import fcntl
        except ImportError:  # Windows
            return None
        try:
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(descriptor)
            return None if error.errno in UNSUPPORTED else False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Release the lock; nothing happens if this process does not hold it."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)
