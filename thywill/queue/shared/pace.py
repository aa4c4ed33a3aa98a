"""How often a server does what has to be done again and again for a shared queue."""

from __future__ import annotations

from typing import NamedTuple


class Pace(NamedTuple):
    """Times in seconds.

    Args:
        lease: for how long a server leads after an election.
        elect: between two elections.
        beat: between two heartbeats.
        alive: after which a server that sends no heartbeat counts as dead.
        expire: between two looks for clients that stay away.
        trim: between two looks at the length of the log.
        save: between two looks for data of clients that was changed outside of steps.
        retry: until the next try after the store was away.
    """

    lease: float = 6.0
    elect: float = 2.0
    beat: float = 2.0
    alive: float = 8.0
    expire: float = 1.0
    trim: float = 5.0
    save: float = 0.5
    retry: float = 0.5
