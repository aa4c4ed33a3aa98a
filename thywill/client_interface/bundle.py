"""Joins the files of the browser client: browsers make one request, and comments are not sent."""

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
"""A string or a regular expression. A regular expression stands where no division can."""
BLANKS = re.compile(r" *([=,;{}():?<>&|!*%/\[\]]|(?<![+-] )(?<![+-])[+-](?! ?[+-])) *")
"""A sign that needs no blanks around it; ``a + +b`` does."""
WORDS = re.compile(r"[\w$]{2}", re.ASCII)


class Bundle:
    """The files of a folder, joined.

    Comment lines, and blanks at the beginning and end of each line, are left out. That is safe, since no
    string continues on the next line (ECMA-262, third edition, 7.8.4), and it needs no minifier.

    Args:
        folder: the folder of the files.
        files: their names, in an order in which each file uses only those before it.
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
        # A changed file is read again, so that a developer sees the change at the next reload.
        stamps = [path.stat().st_mtime_ns for path in self._paths]
        if stamps == self._stamps:
            return
        self._stamps = stamps
        self._text = self._join().encode()
        self._version = hashlib.sha256(self._text).hexdigest()[:12]

    def _join(self) -> str:
        return "".join(_shorten(path.read_text(encoding="utf-8")) for path in self._paths)


class ClientBundle(Bundle):
    """The browser client, shortened further; a second copy of it in one page does nothing.

    Blanks that have no meaning are left out, except in strings and regular expressions. No name is changed.
    Lines can be joined, since the ES3 gate requires every semicolon. One ``'use strict'`` serves all files.
    """

    def _join(self) -> str:
        lines = [line for line in super()._join().splitlines() if line != STRICT]
        text = "".join(_squeeze(line, after) for line, after in pairwise([*lines, ""]))
        return f"if(!(window.thywill&&window.thywill.internal)){{(function(){{{STRICT}\n{text}}}());}}\n"


def _squeeze(line: str, after: str) -> str:
    """Return ``line`` without needless signs; ``after`` is the next line."""
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
