"""Ids of messages. An id is a position in the log of an application, and is never used twice.

The first id of a writer is ``seconds << 21``, where ``seconds`` is the time since 2020 when the server became
the writer; the ids after it count up by one. So ids stay unique even if the database goes back in time:

    at second 1,000 the writer begins       ids 2,097,152,000, 2,097,152,001, …
    at second 2,000 a backup is restored in which the last id is 2,097,152,000
    the writer begins anew                  ids 4,194,304,000, …, and never again 2,097,152,001

A writer that assigns fewer than two million ids a second on average never reaches the first id of the next
writer. For 136 years all ids stay below 2**53, so that a browser reads them exactly.
"""

from __future__ import annotations

EPOCH = 1_577_836_800
"""The first second of 2020 (UTC), in seconds since 1970."""

BITS = 21


def begin(now: float, last: int) -> int:
    """Return the first id of a new writer.

    Args:
        now: seconds since 1970, by the wall clock.
        last: the last id in the log, 0 if the log is empty. Ids continue after it if the clock was set back.
    """
    return max(max(int(now) - EPOCH, 0) << BITS, last + 1)
