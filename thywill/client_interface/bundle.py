"""The browser client as one file: one request instead of many, and comments cost its readers nothing."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

IDLE_LINE = re.compile(r"\s*(//.*)?")
STRICT = "'use strict';"
LITERAL = re.compile(
    r"""('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|"""
    r"""(?:(?<=[(=:!&|?,])|(?<=[(=:!&|?,] )|(?<=return ))/(?:[^/\\\[]|\\.|\[(?:[^\]\\]|\\.)*\])+/[gim]*)"""
)
"""A string or a regular expression, which stands where no division can."""
BLANKS = re.compile(r" *([=,;{}():?<>&|!*%/\[\]]|(?<![+-] )(?<![+-])[+-](?! ?[+-])) *")
"""A sign that needs no blanks around it; ``a + +b`` does."""
WORDS = re.compile(r"[\w$]{2}", re.ASCII)


class Bundle:
    """The files of a folder, joined.

    Lines that hold only a comment, and what stands before and after a line, are left out: safe, as no
    string goes over a line's end (ECMA-262, third edition, 7.8.4), and no minifier has to be trusted.

    Args:
        folder: where the files are.
        files: their names, in the order in which they build on one another.
    """

    def __init__(self, folder: Path, files: Sequence[str]) -> None:
        self._paths = [folder / file for file in files]
        self._stamps: list[int] = []
        self._text = b""
        self._version = ""

    @property
    def text(self) -> bytes:
        """The joined files."""
        self._refresh()
        return self._text

    @property
    def version(self) -> str:
        """A hash of the text."""
        self._refresh()
        return self._version

    def _refresh(self) -> None:
        # Read again when a file has changed, so that a developer sees a change at the next reload.
        stamps = [path.stat().st_mtime_ns for path in self._paths]
        if stamps == self._stamps:
            return
        self._stamps = stamps
        self._text = self._join().encode()
        self._version = hashlib.sha256(self._text).hexdigest()[:12]

    def _join(self) -> str:
        return "".join(_shorten(path.read_text(encoding="utf-8")) for path in self._paths)


class ClientBundle(Bundle):
    """The browser client: a second copy in one page changes nothing, and signs without meaning are left out.

    Strings and regular expressions are not touched, and no name is changed. Lines are joined, since the ES3
    gate lets no semicolon be missing. The files are strict together, instead of each by itself.
    """

    def _join(self) -> str:
        lines = [line for line in super()._join().splitlines() if line != STRICT]
        text = "".join(_squeeze(line, after) for line, after in pairwise([*lines, ""]))
        return f"if(!(window.thywill&&window.thywill.internal)){{(function(){{{STRICT}\n{text}}}());}}\n"


def _squeeze(line: str, after: str) -> str:
    """Return ``line`` as it can stand before the next line, ``after``."""
    parts = LITERAL.split(line)
    text = "".join(part if index % 2 else _squeeze_code(part) for index, part in enumerate(parts))
    if after.startswith("}"):
        return text.removesuffix(";")  # no statement of ours is empty
    return f"{text}\n" if WORDS.fullmatch(text[-1:] + after[:1]) else text


def _squeeze_code(code: str) -> str:
    return BLANKS.sub(r"\1", code).replace(";}", "}")


def _shorten(text: str) -> str:
    lines = (line.strip() for line in text.splitlines() if not IDLE_LINE.fullmatch(line))
    return "".join(f"{line}\n" for line in lines)
