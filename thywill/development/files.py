"""Finds out whether a developer has changed files."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

CHECK_EVERY = 0.5
"""Seconds between two looks at the files."""
CODE = (".py", ".toml")
SKIPPED = ("__pycache__", "node_modules")


class Stamp(NamedTuple):
    """Identifies the state of all watched files: two stamps are equal if no file was changed between them.

    Args:
        code: a hash of the paths, times and sizes of Python and settings files.
        pages: the same for all other files.
    """

    code: int
    pages: int


class WatchedFiles:
    """The files that are watched for changes.

    Args:
        places: files, and folders, of which all files below them are watched.
    """

    def __init__(self, places: Iterable[Path]) -> None:
        self._places = sorted(set(places))

    def stamp(self) -> Stamp:
        """Return the present state of the files."""
        code: list[tuple[Path, int, int]] = []
        pages: list[tuple[Path, int, int]] = []
        for path in self._files():
            try:
                status = path.stat()
            except OSError:  # it was deleted a moment ago
                continue
            (code if path.suffix in CODE else pages).append((path, status.st_mtime_ns, status.st_size))
        return Stamp(hash(tuple(code)), hash(tuple(pages)))

    def wait(self, begun: Stamp) -> None:
        """Block until code has changed since the stamp ``begun``, and is no longer being written."""
        before = begun
        while True:
            time.sleep(CHECK_EVERY)
            now = self.stamp()
            if now.code != begun.code and now.code == before.code:
                return
            before = now

    def _files(self) -> Iterator[Path]:
        for place in self._places:
            if place.is_file():
                yield place
            for path in sorted(place.rglob("*")):
                if path.is_file() and not any(part in SKIPPED or part[0] == "." for part in path.parts[1:]):
                    yield path
