"""How often a server does what has to be done again and again for a shared queue."""

from __future__ import annotations

from typing import NamedTuple

MODEST = 1.0


class Pace(NamedTuple):
    """Times in seconds.

    Args:
        lease: for how long a server leads after an election.
        elect: between two elections.
        modest: for how long a server that leads other applications leaves a lead that is free to others: so
            long for each of them, but ``MODEST`` at most.
        beat: between two heartbeats.
        alive: after which a server that sends no heartbeat counts as dead.
        expire: between two looks for clients that stay away.
        trim: between two looks at the length of the log.
        save: between two looks for data of clients that was changed outside of steps.
        retry: until the next try after the store was away.
    """

    lease: float = 5.0
    elect: float = 1.0
    modest: float = 0.15
    beat: float = 2.0
    alive: float = 8.0
    expire: float = 1.0
    trim: float = 5.0
    save: float = 0.5
    retry: float = 0.5
