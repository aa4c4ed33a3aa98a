"""Log lines in a file that is rotated by its size. Several servers may write to one file."""

from __future__ import annotations

import errno
import io
import logging
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from thywill.config import make_folder_of
from thywill.errors import SettingsError
from thywill.log.base import Log, LogSettings
from thywill.log.line import notice

DISK_FULL = (errno.ENOSPC, errno.EDQUOT)

LONGEST_LINE = 1_048_576
"""The largest line, with its traceback, that one write puts into the file, in bytes."""

REPORT_EVERY = 60.0
"""Seconds between two lines on standard error about a log that cannot be written."""


@dataclass(frozen=True, slots=True)
class FileSettings(LogSettings):
    """The section ``[log]`` with ``component = "file"``.

    Args:
        path: the file; a relative path begins at the folder for data.
        max_bytes: the size at which the file is rotated; 0 leaves that to another program, such as logrotate.
        backups: how many older files are kept, as ``thywill.log.1`` and so on.
    """

    path: str = "thywill.log"
    max_bytes: int = 10_000_000
    backups: int = 5

    def __post_init__(self) -> None:
        LogSettings.__post_init__(self)
        if self.max_bytes < 0:
            raise SettingsError(f"[log] max_bytes is {self.max_bytes}, but must be 0 or more")
        if self.backups < 1:
            raise SettingsError(f"[log] backups is {self.backups}, but must be 1 or more")


class FileLog(Log):
    """Writes to a file in UTF-8 and rotates it by its size."""

    Settings = FileSettings

    def files(self) -> Sequence[Path]:
        """Return the file and its backups."""
        settings: FileSettings = self.settings
        path = self.folder / settings.path
        return [path, *(Path(f"{path}.{number}") for number in range(1, settings.backups + 1))]

    def make_handler(self) -> logging.Handler:
        """Return a handler for the file. The file and its folder are created."""
        settings: FileSettings = self.settings
        path = self.folder / settings.path
        try:
            make_folder_of(path, self.folder)
            handler = FileHandler(path, settings.max_bytes, settings.backups)
        except OSError as error:
            reason = f"cannot write {error.filename}: {error.strerror}"
            raise SettingsError(f"[log] path: {reason}; change its rights or name another file") from error
        handler.setFormatter(self.make_formatter())
        return handler


class FileHandler(RotatingFileHandler):
    """Keeps writing after a full disk, a failed rotation, and a file that was moved or deleted.

    Args:
        path: the file.
        max_bytes: the size at which the file is rotated; 0 for never.
        backups: how many older files are kept.

    Raises:
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path, max_bytes: int, backups: int) -> None:
        super().__init__(
            path, maxBytes=max_bytes, backupCount=backups, encoding="utf-8", errors="backslashreplace"
        )
        self._lost = 0
        self._next_report = -math.inf

    def _open(self) -> io.TextIOWrapper:
        # Each line is written by one call, so that lines of several servers do not mix.
        raw = io.BufferedWriter(io.FileIO(self.baseFilename, self.mode), LONGEST_LINE)
        return io.TextIOWrapper(raw, self.encoding, self.errors)

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line. After failures, first write a line that counts the lost ones."""
        if self._was_moved():
            self._close_stream()
        lost = self._lost
        super().emit(_lost_notice(lost) if lost else record)
        if lost and self._lost == lost:
            self._lost = 0
            super().emit(record)

    def doRollover(self) -> None:  # noqa: N802 - the name is logging's
        """Rotate the file; if that is not possible, report it once and go on with the old file."""
        with _locked(self.stream):
            # If another server has rotated the file meanwhile, there is a new file already.
            if not self._was_moved():
                self._rotate()
            else:
                self._close_stream()

    def _rotate(self) -> None:
        self._close_stream()
        try:
            super().doRollover()
        except OSError as error:
            if error.errno in DISK_FULL:
                raise
            self.maxBytes = 0
            self._report(f"the log cannot be rotated, so it grows until the next start: {error}")

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Count the line as lost, and report that on standard error, at most once a minute."""
        self._report(f"the log cannot be written: {sys.exception()}")
        self._lost += 1
        # After a failure Python may hold a closed stream, or half a line in its buffer.
        self._close_stream()

    def _report(self, text: str) -> None:
        now = time.monotonic()
        if now < self._next_report:
            return
        self._next_report = now + REPORT_EVERY
        # Standard error is the last resort of a log, and may be closed itself.
        with suppress(OSError, ValueError):
            print(f"thywill: {text}", file=sys.stderr)

    def _close_stream(self) -> None:
        stream, self.stream = self.stream, None
        with suppress(OSError):
            if stream:
                stream.close()

    def _was_moved(self) -> bool:
        if not self.stream:
            return False
        try:
            return not os.path.samestat(Path(self.baseFilename).stat(), os.fstat(self.stream.fileno()))
        except OSError:
            return True


@contextmanager
def _locked(stream: TextIO | None) -> Iterator[None]:
    """Hold the operating system's lock on a file that several servers write."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    descriptor = None if stream is None else os.dup(stream.fileno())
    try:
        if descriptor is not None:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _lost_notice(count: int) -> logging.LogRecord:
    return notice(f"{count} log lines are missing here: they could not be written")
