"""The log lines about client records that cannot be written."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from thywill.core.text import counted

log = logging.getLogger("thywill.database")

LONGEST = 5.0
"""The most seconds between two attempts."""


class WriteFailures:
    """Logs one line when writing begins to fail, one when records are dropped, and one when it works again.

    Args:
        clock: returns seconds that never decrease.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since: float | None = None
        self._tries = 0
        self._dropped = 0

    def failed(self, reason: str, waiting: int, dropped: int) -> None:
        """Writing failed: ``waiting`` records wait, and ``dropped`` were dropped since the last call."""
        if self._since is None:
            self._since = self._clock()
            log.warning("cannot write client records, %d wait: %s", waiting, reason)
        if dropped and not self._dropped:
            log.warning("the buffer is full, the oldest updates of client records are dropped: %s", reason)
        self._tries += 1
        self._dropped += dropped

    def succeeded(self, dropped: int) -> None:
        """Writing succeeded; ``dropped`` records were dropped since the last call."""
        dropped += self._dropped
        if self._since is not None:
            log.info("client records are written again after %.1f s", self._clock() - self._since)
        if dropped:
            log.warning("%s of client records dropped, since the buffer was full", counted(dropped, "update"))
        self._since, self._tries, self._dropped = None, 0, 0

    def retry_delay(self, usual: float) -> float:
        """Return the seconds until the next attempt: ``usual``, doubled with each failure up to a limit."""
        return max(usual, min(usual * 2.0 ** min(self._tries, 30), LONGEST))
