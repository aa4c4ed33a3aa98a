"""The counts of a server since its start, for applications that show them."""

from __future__ import annotations

from typing import NamedTuple


class Totals(NamedTuple):
    """The sums of one server over all its applications. For rates, subtract earlier sums.

    Args:
        clients: clients that the server has now.
        sessions: sessions that have at least one of these clients.
        sent: messages to browsers, each counted once for each receiver.
        received: messages from browsers.
        delay: seconds from the moment a message was safe until the answer with it was written; the sum.
        delays: how often ``delay`` was measured.
        lag: seconds by which the loop ran a timer too late; the sum.
        lags: how often ``lag`` was measured: twice a second.
    """

    clients: int
    sessions: int
    sent: int
    received: int
    delay: float
    delays: int
    lag: float
    lags: int
