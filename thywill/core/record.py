"""What is kept of a client in the database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol


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
