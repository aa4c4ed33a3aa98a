"""What is kept of a client in the database."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any, Protocol

_JSON = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


@dataclass(frozen=True, slots=True)
class ClientRecord:
    """One client as the database knows it.

    ``created`` and ``seen`` are seconds since the epoch; ``state`` is ``connected``, ``detached`` or
    ``gone``; ``data`` is the application's own JSON object.
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
    data: dict[str, Any] = field(default_factory=dict)


class Recorded(Protocol):
    """Something that can be saved: it makes its record when the batch is written, not before."""

    id: str

    def record(self) -> ClientRecord:
        """Return the record as it is now."""
        ...


def encode_data(data: dict[str, Any]) -> str:
    """Return ``data`` as JSON in ASCII, which survives in every database, whatever its character set.

    Raises:
        TypeError, ValueError, RecursionError: it is not JSON.
    """
    return _JSON.encode(data) if data else "{}"


def decode_data(text: str) -> dict[str, Any]:
    """Return what was encoded; what somebody has spoiled by hand counts as empty."""
    try:
        data = json.loads(text)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}
