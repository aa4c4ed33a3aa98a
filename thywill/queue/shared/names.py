"""Ids of clients that contain their application, so that every server knows whose log a token belongs to."""

from __future__ import annotations

from collections.abc import Iterable

from thywill.errors import Gone, SettingsError

SEPARATOR = "~"

UNKNOWN = (
    "the servers do not know this client: it has left, its grace time has passed, or they were restarted"
)


LONGEST = 39
"""Characters of an application's name, with which the id of a client still fits into its column."""


def check_names(applications: Iterable[str]) -> None:
    """Check that ids can contain the names of these applications.

    Raises:
        SettingsError: one is too long.
    """
    for name in applications:
        if len(name) > LONGEST:
            raise SettingsError(
                f"[application_interface] applications: the name {name} has {len(name)} characters, and may "
                f"have {LONGEST} with a queue that several servers share: rename its package"
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
