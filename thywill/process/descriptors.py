"""File descriptors: every connection needs one, so they limit how many clients a server can hold."""

from __future__ import annotations

import contextlib

OWN = 100
"""Descriptors for the log, the database, static files and what Python itself opens."""


def needed(clients: int) -> int:
    """Return how many descriptors a server with ``clients`` clients needs.

    Each client has one connection with a parked request. Some have a second one for a moment: a page that
    sends while its poll is parked. One in twenty is enough for these.
    """
    return clients + clients // 20 + OWN


def limit() -> int | None:
    """Return how many descriptors this process may open, or None where the system sets no limit."""
    try:
        import resource
    except ImportError:  # not a Unix system
        return None
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> None:
    """Raise this process's limit as far as the system allows its user."""
    try:
        import resource
    except ImportError:  # not a Unix system
        return
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):  # some systems report a limit that they do not allow
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def shortage(clients: int, allowed: int | None = None) -> str | None:
    """Return a sentence with its remedy if the limit is too low for ``clients`` clients, else None.

    Args:
        clients: ``max_clients`` of the settings.
        allowed: how many descriptors the process may open; None asks the system.
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
