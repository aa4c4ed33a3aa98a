"""A person: the data that applications keep for one browser's session, over reloads, tabs and restarts."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

ID_BYTES = 12


class StoredPerson(NamedTuple):
    """The row of a person.

    Args:
        session: the id of the session.
        data: the applications' data, JSON in ASCII.
        seen: when an application last asked for it, in seconds since the epoch.
    """

    session: str
    data: str
    seen: float


def public_id(session: str) -> str:
    """Return the public id of a session's person. Nobody can compute the session's id from it."""
    return hashlib.blake2b(session.encode(), digest_size=ID_BYTES, person=b"thywill person").hexdigest()
