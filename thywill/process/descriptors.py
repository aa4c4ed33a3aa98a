"""File descriptors: every connection needs one, so their limit is a limit of clients."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

WARN_AT = 0.9
"""The share of the limit that may be open before the first warning."""
WARN_EVERY = 60.0
REMEDY = "raise LimitNOFILE in the service unit (ulimit -Hn elsewhere), or lower [server] max_clients"
RESERVED = 100
"""Descriptors for the log, the database, static files and what Python itself opens."""


def needed(clients: int) -> int:
    """Return how many descriptors a server with ``clients`` clients needs.

    Each client has one connection with a parked request. A page that sends while its poll is parked has a
    second one for a moment; one in twenty more is enough for these.
    """
    return clients + clients // 20 + RESERVED


def limit() -> int | None:
    """Return how many descriptors this process may open, or None if the system sets no limit."""
    try:
        import resource
    except ImportError:  # not a Unix system
        return None
    soft = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def raise_limit() -> None:
    """Raise this process's limit as far as the system allows."""
    try:
        import resource
    except ImportError:  # not a Unix system
        return
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(ValueError, OSError):  # some systems report a limit that they do not allow
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class DescriptorWatch:
    """Warns when few descriptors are left, at most once a minute.

    Without descriptors the event loop refuses connections without a message.

    Args:
        clock: a monotonic clock, in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = -math.inf

    def check(self) -> None:
        """Log a line if few or no descriptors are left; to be called about once a second."""
        used, allowed = lowest_free(), limit()
        if self._clock() < self._next or (used is not None and (allowed is None or used < WARN_AT * allowed)):
            return
        self._next = self._clock() + WARN_EVERY
        if used is None:
            log.error(
                "out of file descriptors, so connections are refused: all %s are open; %s", allowed, REMEDY
            )
        else:
            log.warning("%d of %d file descriptors are open; %s", used, allowed, REMEDY)


def lowest_free() -> int | None:
    """Return the lowest free descriptor, or None if there is none.

    All lower ones are open, so this tells how many are in use, at least, without counting them.
    """
    try:
        number = os.open(os.devnull, os.O_RDONLY)
    except OSError:
        return None
    os.close(number)
    return number


def shortage(clients: int, allowed: int | None = None) -> str | None:
    """Return a sentence with a remedy if the limit is too low for ``clients`` clients, otherwise None.

    Args:
        clients: ``max_clients`` of the settings.
        allowed: how many descriptors the process may open; None asks the system.
    """
    allowed = limit() if allowed is None else allowed
    if allowed is None or needed(clients) <= allowed:
        return None
    room = max(0, (allowed - RESERVED) * 20 // 21)
    return (
        f"max_clients = {clients} needs {needed(clients)} file descriptors, but only {allowed} are allowed, "
        f"enough for {room}: {REMEDY}"
    )
