"""The dict that forgets its oldest entry."""

from __future__ import annotations

from thywill.core.recent import Recent


def test_the_oldest_entry_is_forgotten() -> None:
    recent: Recent[str, int] = Recent(2)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        recent.put(key, value)
    assert [recent.get(key, 0) for key in "abc"] == [3, 0, 4]
