"""How much a token bucket lets through, by a clock of the test's own."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thywill.core.bucket import TokenBucket


def test_a_burst_passes_at_once_and_then_the_rate() -> None:
    bucket = TokenBucket(rate=10, burst=3)
    assert [bucket.take(100.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.1]
    assert bucket.take(100.05) == pytest.approx(0.05)
    assert bucket.take(100.1) == 0.0
    assert bucket.take(100.1) == pytest.approx(0.1)


def test_a_refused_take_takes_nothing() -> None:
    bucket = TokenBucket(rate=1, burst=1)
    assert bucket.take(0.0) == 0.0
    assert [bucket.take(0.5) for _ in range(5)] == [0.5] * 5
    assert bucket.take(1.0) == 0.0


def test_quiet_time_fills_it_up_to_the_burst_and_no_further() -> None:
    bucket = TokenBucket(rate=10, burst=3)
    for _ in range(3):
        bucket.take(0.0)
    assert [bucket.take(1000.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.1]


def test_amounts_are_counted() -> None:
    bucket = TokenBucket(rate=100, burst=1000)
    assert bucket.take(5.0, 900) == 0.0
    assert bucket.take(5.0, 300) == 2.0
    assert bucket.take(7.0, 300) == 0.0


def test_an_amount_above_the_burst_passes_a_full_bucket_and_leaves_a_debt() -> None:
    bucket = TokenBucket(rate=10, burst=20)
    assert bucket.take(0.0, 50) == 0.0
    assert bucket.take(0.0) == pytest.approx(3.1)
    assert bucket.take(3.1) == pytest.approx(0.0)


def test_a_clock_that_is_set_back_gains_nothing() -> None:
    bucket = TokenBucket(rate=1, burst=1)
    assert bucket.take(10.0) == 0.0
    assert bucket.take(5.0) == 1.0
    assert bucket.take(10.5) == 0.5


def test_a_full_bucket_is_as_good_as_new() -> None:
    bucket = TokenBucket(rate=1, burst=2)
    assert bucket.is_full(0.0)
    bucket.take(0.0)
    assert not bucket.is_full(0.5)
    assert bucket.is_full(1.0)


calls = st.lists(st.tuples(st.floats(0, 10), st.floats(0, 5)), max_size=50)


@given(st.floats(0.1, 100), st.floats(5, 100), calls)
def test_no_stretch_of_time_lets_more_through_than_rate_and_burst(
    rate: float, burst: float, steps: list[tuple[float, float]]
) -> None:
    bucket, now, passed = TokenBucket(rate, burst), 0.0, 0.0
    for pause, amount in steps:
        now += pause
        if bucket.take(now, amount) == 0.0:
            passed += amount
    assert passed <= burst + rate * now + 1e-6


@given(st.floats(0.1, 100), st.floats(5, 100), calls)
def test_a_take_succeeds_after_the_seconds_that_it_returned(
    rate: float, burst: float, steps: list[tuple[float, float]]
) -> None:
    bucket, now = TokenBucket(rate, burst), 0.0
    for pause, amount in steps:
        now += pause
        wait = bucket.take(now, amount)
        if wait:
            now += wait * (1 + 1e-9) + 1e-9
            assert bucket.take(now, amount) == 0.0
