"""Tests of the engine, with literal times.

``STEADY`` makes hypothesis try the same examples in every run, so that a change is never blamed for another's
bad luck. To look further, set ``derandomize=False`` here for a while.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

STEADY = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow],
)
