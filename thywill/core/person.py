"""A person: what applications keep for one browser's session, over reloads, tabs and restarts."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

ID_BYTES = 12


class StoredPerson(NamedTuple):
    """The row of a person.

    Args:
        session: the id of the session.
        data: what applications keep, JSON in ASCII.
        seen: when an application asked for it last, in seconds since the epoch.
    """

    session: str
    data: str
    seen: float


def public_id(session: str) -> str:
    """Return the id by which others may know the person of a session; the session does not follow from it."""
    return hashlib.blake2b(session.encode(), digest_size=ID_BYTES, person=b"thywill person").hexdigest()
