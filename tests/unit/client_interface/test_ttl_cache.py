"""What was just looked up is cached for a moment."""

from __future__ import annotations

from thywill.client_interface.ttl_cache import SECONDS, TtlCache


class Lookups:
    def __init__(self) -> None:
        self.time, self.count = 0.0, 0

    def look_up(self) -> int:
        self.count += 1
        return self.count


def test_a_value_is_made_once_in_a_moment() -> None:
    lookups = Lookups()
    cache = TtlCache(clock=lambda: lookups.time)
    assert [
        cache.get("a", lookups.look_up),
        cache.get("a", lookups.look_up),
        cache.get("b", lookups.look_up),
    ] == [
        1,
        1,
        2,
    ]
    lookups.time = SECONDS * 0.9
    assert cache.get("a", lookups.look_up) == 1
    lookups.time = SECONDS
    assert [cache.get("a", lookups.look_up), cache.get("b", lookups.look_up)] == [3, 4]


def test_nothing_is_also_a_value() -> None:
    cache = TtlCache(clock=lambda: 0.0)
    assert cache.get("a", lambda: None) is None
    assert cache.get("a", lambda: "other") is None


def test_there_are_never_many() -> None:
    cache = TtlCache(clock=lambda: 0.0, most=10)
    for number in range(1000):
        cache.get(number, lambda: 0)
        assert len(cache._values) <= 10
