"""Which processors a server and the load generator have.

Where both may run on all, the kernel now and then puts the load generator, which the server's answers
wake, on the server's processor, and the scheduler is what is measured. Apart, a server has the machine but
for one processor.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

Cores = frozenset[int]


@dataclass(frozen=True)
class Division:
    """The processors of each."""

    load: Cores
    server: Cores


def together() -> Division:
    """Return a division in which server and load share all processors."""
    cores = frozenset(os.sched_getaffinity(0))
    return Division(cores, cores)


def apart() -> Division:
    """Return a division in which they share no processor, if there are at least two."""
    first, *others = sorted(os.sched_getaffinity(0))
    return Division(frozenset({first}), frozenset(others)) if others else together()


def run_on(cores: Cores) -> None:
    """Run this process, and those that it starts, on ``cores``."""
    os.sched_setaffinity(0, cores)
