"""The times of the work that a server repeats for a shared queue."""

from __future__ import annotations

from typing import NamedTuple

MAX_LEAD_DELAY = 1.0


class Pace(NamedTuple):
    """Times in seconds.

    Args:
        lease: how long a server leads after an election.
        elect: between two elections.
        lead_delay: how long a server waits before it takes a free lead, for each application that it leads
            already; ``MAX_LEAD_DELAY`` at most in all.
        heartbeat: between two heartbeats.
        alive: after this time without a heartbeat a server counts as dead.
        expire: between two checks for clients that stay away.
        trim: between two checks of the log's length.
        save: between two checks for data of clients that was changed outside of steps.
        retry: until the next try after the store could not be reached.
    """

    lease: float = 5.0
    elect: float = 1.0
    lead_delay: float = 0.15
    heartbeat: float = 2.0
    alive: float = 8.0
    expire: float = 1.0
    trim: float = 5.0
    save: float = 0.5
    retry: float = 0.5
