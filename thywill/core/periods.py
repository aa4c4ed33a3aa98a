"""Common moments for periodic work, so that an idle server wakes up seldom.

Several parts of a server check something once or twice a second. If each part had a timer of its own, the
processor would wake up for each of them, and a wake-up costs more than the check. So each part waits for the
next multiple of its period. For example, three parts with the periods 0.5, 0.5 and 1 s begin at 10.1, 10.2
and 10.4:

    10.1, 10.2, 10.4   they begin, and wait for 10.5, 10.5 and 11.0
    10.5               one wake-up for two of them
    11.0               one wake-up for all three
"""

from __future__ import annotations


def until_next_period(period: float, now: float) -> float:
    """Return the seconds until the next multiple of ``period``, but at least half a period.

    At least half, because a timer may fire a moment early, and must not fire for the same multiple again.

    Args:
        period: the seconds between two runs of the work.
        now: the present time by the clock of the event loop, in seconds.
    """
    wait = period - now % period
    return wait if 2 * wait >= period else wait + period
