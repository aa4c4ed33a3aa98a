"""Periodic work waits for moments that are common to all parts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thywill.core.periods import until_next_period


@pytest.mark.parametrize(
    ("period", "now", "wait"),
    [
        (0.5, 10.125, 0.375),
        (0.5, 10.0, 0.5),
        (1.0, 10.25, 0.75),
        (1.0, 9.5, 0.5),
        (1.0, 9.75, 1.25),
        (0.5, 9.984375, 0.515625),
    ],
)
def test_the_next_multiple(period: float, now: float, wait: float) -> None:
    assert until_next_period(period, now) == wait


@given(st.floats(0.01, 60), st.floats(0, 1e7))
def test_the_end_is_near_a_multiple_and_never_the_same_again(period: float, now: float) -> None:
    wait = until_next_period(period, now)
    assert period / 2 <= wait < 1.5 * period + 1e-6
    periods = (now + wait) / period
    assert abs(periods - round(periods)) * period < 1e-6
