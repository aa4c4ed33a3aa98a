"""Ids of clients that contain their application, so that every server knows whose log a token belongs to."""

from __future__ import annotations

from thywill.errors import Gone

SEPARATOR = "~"

UNKNOWN = (
    "the servers do not know this client: it has left, its grace time has passed, or they were restarted"
)


def prefix(application: str) -> str:
    """Return how the ids of the clients of ``application`` begin."""
    return application + SEPARATOR


def application_of(client_id: str) -> str:
    """Return the application of a client.

    Raises:
        Gone: the id has none: it was issued by a server whose queue was not shared.
    """
    application, separator, _ = client_id.rpartition(SEPARATOR)
    if not separator:
        raise Gone(UNKNOWN, reconnect=True)
    return application
