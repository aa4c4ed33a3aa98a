"""Converts a client's record into a row of text and numbers, and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from thywill.core.record import ClientRecord, decode_data, encode_data

Row = tuple[str, str, str, str, str, str, float, float, str, str]

FIELDS = (
    "id",
    "session",
    "application",
    "address",
    "user_agent",
    "transport",
    "created",
    "seen",
    "state",
    "data",
)
"""The order of a row's values."""

LENGTHS = {
    "id": 64,
    "session": 64,
    "application": 64,
    "address": 64,
    "user_agent": 512,
    "transport": 32,
    "state": 16,
}
"""How many characters each column holds."""

# PostgreSQL refuses NUL in text, and every database refuses a lone surrogate, which is not a character.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def encode(record: ClientRecord) -> Row:
    """Return the row of ``record``. Texts are cut to their columns; characters that a database refuses are
    replaced.

    Raises:
        TypeError, ValueError, RecursionError: ``record.data`` cannot be written as JSON.
    """
    return (
        key(record.id),
        _text("session", record.session),
        _text("application", record.application),
        _text("address", record.address),
        _text("user_agent", record.user_agent),
        _text("transport", record.transport),
        record.created,
        record.seen,
        _text("state", record.state),
        encode_data(record.data),
    )


def decode(row: Sequence[Any]) -> ClientRecord:
    """Return the record of a row; data that is not a JSON object counts as empty."""
    values = dict(zip(FIELDS, row, strict=True))
    return ClientRecord(**values | {"data": decode_data(values["data"])})


def key(client_id: str) -> str:
    """Return the id in its stored form; it is never cut, since two ids must not become one."""
    return _storable(client_id)


def _text(field: str, value: str) -> str:
    return _storable(value[: LENGTHS[field]])


def _storable(text: str) -> str:
    # Nearly all texts pass the first test, which takes a tenth of the time of the search.
    return text if text.isascii() and "\0" not in text else _UNSTORABLE.sub("\ufffd", text)
