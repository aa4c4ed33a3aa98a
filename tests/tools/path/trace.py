"""Records which functions of the project are called one after another, and counts changes of file."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

WIDTH = 118
"""Columns of a line of the text."""
FOLDERS = ("thywill", "apps", "run.py")


@dataclass(frozen=True)
class Call:
    """One call: the file below the root, and the function's name with that of its class."""

    file: str
    function: str


@dataclass
class Trace:
    """The calls of one thread inside the project's own folders, between ``with`` and its end.

    A coroutine that goes on after an ``await`` counts as called again: the reader has to go there again.

    Args:
        root: the folder that holds ``thywill`` and ``apps``.
    """

    root: Path
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._folders = tuple(str(self.root / each) for each in FOLDERS)
        self._cut = len(str(self.root)) + 1

    def __enter__(self) -> Trace:
        sys.setprofile(self._profile)
        return self

    def __exit__(self, *error: object) -> None:
        sys.setprofile(None)

    def _profile(self, frame: FrameType, event: str, argument: Any) -> None:
        code = frame.f_code
        if event == "call" and code.co_filename.startswith(self._folders):
            self.calls.append(Call(code.co_filename[self._cut :], code.co_qualname.replace(".<locals>", "")))

    def count(self) -> Count:
        """Return how many calls, files and changes of file there are."""
        stretches = list(self.stretches())
        return Count(len(self.calls), len({file for file, _ in stretches}), max(0, len(stretches) - 1))

    def stretches(self) -> Iterator[tuple[str, list[str]]]:
        """Yield each file in the order in which it is entered, with the functions called there in a row."""
        for file, calls in groupby(self.calls, key=lambda call: call.file):
            yield file, [call.function for call in calls]

    def text(self) -> str:
        """Return the path, a line or more for each stretch within a file; repeated calls stand there once."""
        stretches = [(file.removeprefix("thywill/"), calls) for file, calls in self.stretches()]
        width = max((len(file) for file, _ in stretches), default=0) + 2
        return "\n".join(
            textwrap.fill(
                ", ".join(dict.fromkeys(functions)),
                WIDTH,
                initial_indent=file.ljust(width),
                subsequent_indent=" " * width,
            )
            for file, functions in stretches
        )


@dataclass(frozen=True)
class Count:
    """How long a path is."""

    calls: int
    files: int
    changes: int

    def __str__(self) -> str:
        return f"{self.calls} calls in {self.files} files, with {self.changes} changes of file"
