"""Formats a record as one line of JSON."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

from thywill.log.line import client_of


class JsonFormatter(logging.Formatter):
    """Formats a JSON object with the fields time (ISO 8601, UTC), level, logger and message.

    The fields server, client and trace are there if the record has them.

    Args:
        place: which of several servers of one parent writes, such as ``2 of 4``; empty without a parent.
    """

    def __init__(self, place: str = "") -> None:
        super().__init__()
        self._place = place

    def format(self, record: logging.LogRecord) -> str:
        """Return the line. It is printable ASCII, so it cannot contain a line's end or control a terminal."""
        time = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields: dict[str, Any] = {
            "time": time.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if self._place:
            fields["server"] = self._place
        client = getattr(record, "client", None) or client_of(record)
        if client is not None:
            fields["client"] = client
        trace = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else "")
        trace = "\n".join(filter(None, (trace, record.stack_info)))
        if trace:
            fields["trace"] = trace
        return json.dumps(fields)
