"""Log lines on the terminal."""

from __future__ import annotations

import logging
import os
import sys
from typing import TextIO

from thywill.log.base import Log


class ConsoleLog(Log):
    """Writes to standard error, coloured if that is a terminal."""

    def make_handler(self) -> logging.Handler:
        """Return a handler that writes to the present standard error."""
        handler = ConsoleHandler(sys.stderr)
        handler.setFormatter(self.make_formatter(colour=_takes_colour(sys.stderr)))
        return handler


class ConsoleHandler(logging.StreamHandler[TextIO]):
    """Writes to a stream that may be closed while the server runs."""

    def handleError(self, _record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Drop the line: if standard error is closed, the failure cannot be reported anywhere."""


def _takes_colour(stream: TextIO) -> bool:
    # https://no-color.org
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return stream.isatty() and not plain
