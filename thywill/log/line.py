"""Formats a record as one line of text."""

from __future__ import annotations

import logging

from thywill.client import Client
from thywill.hub.client import LiveClient

COLOURS = {logging.DEBUG: "2", logging.WARNING: "33", logging.ERROR: "31", logging.CRITICAL: "1;31"}


def escape(text: str) -> str:
    r"""Return ``text`` with everything that is not printable written as an escape such as ``\n``.

    So a text from a browser cannot forge a line, control a terminal, or change the direction of reading.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def notice(text: str, *, logger: str = "thywill.log", level: int = logging.WARNING) -> logging.LogRecord:
    """Return a record about the log itself, with this text, name of the logger, and level."""
    name = logging.getLevelName(level)
    return logging.makeLogRecord({"name": logger, "levelno": level, "levelname": name, "msg": text})


def client_of(record: logging.LogRecord) -> str | None:
    """Return the id of the first client among the arguments of ``record``, or None."""
    arguments = record.args if isinstance(record.args, tuple) else ()
    return next((each.id for each in arguments if isinstance(each, (LiveClient, Client))), None)


class LineFormatter(logging.Formatter):
    """Formats time, level, logger and message as one line.

    A traceback follows in indented lines, so that none of them looks like the beginning of a record.

    Args:
        colour: whether an ANSI sequence colours the level.
        place: which of several servers of one parent writes, such as ``2 of 4``; the line has the number.
    """

    default_time_format = "%Y-%m-%d %H:%M:%S"
    default_msec_format = "%s.%03d"

    def __init__(self, *, colour: bool = False, place: str = "") -> None:
        super().__init__()
        self._colour = colour
        self._place = f" [{place.partition(' ')[0]}]" if place else ""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        head = f"{self.formatTime(record)} {self._level(record)}{self._place} {record.name}"
        line = f"{head} {escape(record.getMessage())}"
        return "\n    ".join([line, *(escape(part) for part in self._trace(record))])

    def _level(self, record: logging.LogRecord) -> str:
        level = f"{record.levelname:<7}"
        colour = COLOURS.get(record.levelno) if self._colour else None
        return f"\033[{colour}m{level}\033[0m" if colour else level

    def _trace(self, record: logging.LogRecord) -> list[str]:
        trace = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else "")
        text = "\n".join(filter(None, (trace, record.stack_info)))
        return text.split("\n") if text else []
