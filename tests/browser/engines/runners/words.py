"""Commands on standard input, answers on standard output: lines of percent-encoded words.

Some runners need an old Python: 3.7 has to read this.
"""

from __future__ import annotations

import sys
from typing import Any, Callable  # noqa: UP035 (of an old Python)
from urllib.parse import quote, unquote


def answer(verb: str, *words: str) -> None:
    print(" ".join([verb, *(quote(word, safe="") for word in words)]), flush=True)


def answer_value(value: object) -> None:
    """Answer what a script has returned, which is a text."""
    if isinstance(value, str):
        answer("value", value)
    else:
        answer("failed", "the script could not be read")


def carry_out(runner: Any, end: Callable[[], object]) -> None:
    """Read a command and call the method of its name, which answers; ``end`` where there are no more."""
    line = sys.stdin.readline()
    if not line:
        end()
        return
    verb, *arguments = (unquote(word) for word in line.rstrip("\n").split(" "))
    try:
        getattr(runner, verb)(*arguments)
    except Exception as error:  # whoever asked is told, and may go on
        answer("failed", repr(error))
