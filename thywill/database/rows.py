"""A client's record as a row of text and numbers, and back."""

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
"""The characters that a column takes."""

# PostgreSQL takes no NUL in text, and no database takes a lone surrogate, which is no character.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def encode(record: ClientRecord) -> Row:
    """Return the row of ``record``: texts that every database takes, cut to their columns.

    Raises:
        TypeError, ValueError, RecursionError: ``record.data`` is not JSON.
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
    """Return the record of a row; data that somebody has spoiled by hand counts as empty."""
    values = dict(zip(FIELDS, row, strict=True))
    return ClientRecord(**values | {"data": decode_data(values["data"])})


def key(client_id: str) -> str:
    """Return the id as it is stored: never cut, for two clients must not become one."""
    return _storable(client_id)


def _text(field: str, value: str) -> str:
    return _storable(value[: LENGTHS[field]])


def _storable(text: str) -> str:
    # Nearly all are plain, and to see that costs a tenth of the search.
    return text if text.isascii() and "\0" not in text else _UNSTORABLE.sub("\ufffd", text)
