"""File descriptors: every parked client is an open connection, and so a descriptor."""

from __future__ import annotations

OWN = 100
"""For the log, the database, static files and what Python itself keeps open."""


def needed(clients: int) -> int:
    """Return how many descriptors a server with so many clients needs.

    One for each parked request, and some for those beside it: a page that sends while its poll waits has two
    connections for that moment.
    """
    return clients + clients // 20 + OWN


def limit() -> int | None:
    """Return how many descriptors this process may have, or None where there is no limit to be told."""
    try:
        import resource
    except ImportError:  # not a Unix system
        return None
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def shortage(clients: int, allowed: int | None = None) -> str | None:
    """Return what to say where so many clients cannot be held, or None.

    Args:
        clients: ``max_clients`` of the settings.
        allowed: how many descriptors there may be; None asks the system.
    """
    allowed = limit() if allowed is None else allowed
    if allowed is None or needed(clients) <= allowed:
        return None
    room = max(0, (allowed - OWN) * 20 // 21)
    return (
        f"max_clients = {clients} needs {needed(clients)} file descriptors, but only {allowed} are allowed, "
        f"enough for {room}: raise LimitNOFILE in the service unit (ulimit -Hn elsewhere), or lower "
        "[server] max_clients"
    )
