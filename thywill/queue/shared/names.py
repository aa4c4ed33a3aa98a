"""Ids of clients that contain the application's name, so that every server knows which log a client needs."""

from __future__ import annotations

from collections.abc import Iterable

from thywill.errors import Gone, SettingsError

SEPARATOR = "~"

UNKNOWN = (
    "the servers do not know this client: it has left, its grace time has passed, or they were restarted"
)


LONGEST = 39
"""Characters of the longest application's name with which a client's id still fits into its column."""


def check_names(applications: Iterable[str]) -> None:
    """Check that ids can contain the names of these applications.

    Raises:
        SettingsError: a name is too long.
    """
    for name in applications:
        if len(name) > LONGEST:
            raise SettingsError(
                f"[application_interface] applications: the name {name} has {len(name)} characters, and may "
                f"have {LONGEST} with a queue that several servers share: rename its package"
            )


def prefix(application: str) -> str:
    """Return the prefix of the ids of clients of ``application``."""
    return application + SEPARATOR


def application_of(client_id: str) -> str:
    """Return the name of a client's application.

    Raises:
        Gone: the id has no application: a server whose queue was not shared has issued it.
    """
    application, separator, _ = client_id.rpartition(SEPARATOR)
    if not separator:
        raise Gone(UNKNOWN, reconnect=True)
    return application
