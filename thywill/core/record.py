"""The record of a client: the row that people and ``run.py clients`` read."""

from __future__ import annotations

import json
from typing import Any, Protocol

import msgspec

from thywill.core.jsonable import builtins_of

_JSON = json.JSONEncoder(separators=(",", ":"), allow_nan=False, default=builtins_of)


class ClientRecord(msgspec.Struct, frozen=True):
    """The record of one client.

    ``created`` and ``seen`` are seconds since the epoch. ``state`` is ``connected``, ``detached`` or
    ``gone``. ``data`` is a copy of the application's ``client.data``.
    """

    id: str
    session: str
    application: str
    address: str
    user_agent: str
    transport: str
    created: float
    seen: float
    state: str
    data: dict[str, Any] = msgspec.field(default_factory=dict)


class Recorded(Protocol):
    """Something whose record can be saved; ``record`` is called just before the batch is written."""

    id: str

    def record(self) -> ClientRecord:
        """Return the present record."""
        ...


def encode_data(data: dict[str, Any]) -> str:
    """Return ``data`` as JSON in ASCII, which every database can store, whatever its character set.

    ``thywill.core.jsonable`` says how values are converted. Integers of any size are stored.

    Raises:
        TypeError, ValueError, RecursionError: ``data`` cannot be written as JSON.
    """
    return _JSON.encode(data) if data else "{}"


def storable(data: dict[str, Any]) -> dict[str, Any]:
    """Return ``data`` without the keys that ``encode_data`` cannot encode."""
    return {key: value for key, value in data.items() if _is_storable(key, value)}


def _is_storable(key: Any, value: Any) -> bool:
    try:
        encode_data({key: value})
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def decode_data(text: str) -> dict[str, Any]:
    """Return the object that ``encode_data`` has encoded; an empty one if ``text`` is not a JSON object."""
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
