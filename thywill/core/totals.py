"""What a server has counted since its start, for applications that show it."""

from __future__ import annotations

from typing import NamedTuple


class Totals(NamedTuple):
    """The sums of one server over all of its applications; who wants rates subtracts earlier sums.

    Args:
        clients: pages that it has now.
        sessions: browsers that have one of these pages.
        sent: messages for browsers, each counted once for each receiver.
        received: messages of browsers.
        delay: seconds from the moment a message was safe until the answer with it was written; the sum.
        delays: how often that was measured.
        lag: seconds by which the loop came too late to a timer; the sum.
        lags: how often that was measured, twice a second.
    """

    clients: int
    sessions: int
    sent: int
    received: int
    delay: float
    delays: int
    lag: float
    lags: int
