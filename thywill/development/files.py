"""Which files a developer has changed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

LOOK_EVERY = 0.5
"""Seconds between two looks at the files."""
CODE = (".py", ".toml")
SKIPPED = ("__pycache__", "node_modules")


class Stamp(NamedTuple):
    """Identifies the state of all watched files: two are equal if nothing was changed between them."""

    code: int
    pages: int


class WatchedFiles:
    """The code and the pages that are watched for changes.

    Args:
        places: files, and folders with all that is below them.
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
        """Block until some code differs from what it was at ``begun``, and is no longer being written."""
        before = begun
        while True:
            time.sleep(LOOK_EVERY)
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
