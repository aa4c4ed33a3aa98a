"""Settings for hypothesis: the same examples in every run.

So a failure is never due to examples that only this run has tried. To search further, set
``derandomize=False`` for some runs.
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
