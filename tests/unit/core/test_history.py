"""What a channel keeps for late clients."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thywill.core.history import END, History, HistoryBounds, HistoryMessage, pack, read_bounds

LIMIT = 1000


def past(number: int, sent: float = 0.0, size: int = 1) -> HistoryMessage:
    return HistoryMessage(number, sent, b"x" * size)


def test_a_ring_keeps_the_last_of_each_bound() -> None:
    history = History(
        {"few": HistoryBounds(2), "short": HistoryBounds(9, seconds=10), "small": HistoryBounds(9, bytes=5)},
        LIMIT,
    )
    for number in (1, 2, 3):
        history.record("few", HistoryMessage(number, 0, b"%d" % number))
        history.record("short", HistoryMessage(number, number * 6.0, b"%d" % number))
        history.record("small", HistoryMessage(number, 0, b"%d%d%d" % (number, number, number)))
    assert history.messages("few", 0) == [b"2", b"3"]
    assert history.messages("short", 18) == [b"2", b"3"]
    assert history.messages("short", 23) == [b"3"]
    assert history.messages("small", 0) == [b"333"]
    assert history.messages("other", 0) == []
    assert not history.record("other", past(4))


def test_a_pattern_names_many_channels() -> None:
    history = History({"room:*": HistoryBounds(1)}, LIMIT)
    assert history.keeps("room:a")
    assert not history.keeps("lobby")
    history.record("room:a", past(1))
    assert history.messages("room:b", 0) == []


def test_the_most_silent_channels_lose_their_past_first() -> None:
    history = History({"*": HistoryBounds(9)}, 14)
    for number, channel in enumerate(("a", "b", "a", "c"), 1):
        history.record(channel, past(number, size=4))
    assert (history.messages("b", 0), len(history.messages("a", 0)), history.size) == ([], 2, 12)


def test_what_a_ring_has_dropped_is_told_once() -> None:
    history = History({"*": HistoryBounds(2, seconds=10)}, LIMIT)
    for number in (4, 5, 6):
        history.record("a", past(number))
    assert history.take_changed(0) == {"a": 5}
    assert history.take_changed(0) == {}
    assert history.take_changed(11) == {"a": END}
    assert history.size == 0


def test_a_message_that_could_not_be_saved_is_withdrawn() -> None:
    history = History({"a": HistoryBounds(5)}, LIMIT)
    with history.recording("a") as recorded:
        history.record("a", past(1))
        history.record("a", past(2))
        history.withdraw("a", 1)
    history.record("a", past(3))
    assert [each.id for each in recorded] == [2]
    assert history.messages("a", 0) == [b"x", b"x"]


def test_a_recording_needs_no_rule_and_ends_with_its_block() -> None:
    history = History({}, LIMIT)
    with history.recording("a") as outer, history.recording("a") as inner:
        history.record("a", past(1))
    with history.recording("a") as later:
        history.record("b", past(2))
    assert (outer, inner, later) == ([past(1)], [past(1)], [])


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5, HistoryBounds(5)), ({"count": 5, "seconds": 1.5, "bytes": 9}, HistoryBounds(5, 1.5, 9))],
)
def test_the_forms_of_a_rule(value: object, expected: HistoryBounds) -> None:
    assert read_bounds(value) == expected


@pytest.mark.parametrize(
    "value",
    [0, -1, True, "5", 1.5, None, {}, {"seconds": 5}, {"count": 5, "age": 1}, {"count": 5, "seconds": 0}],
)
def test_other_rules_are_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"is not a count|must be a number above 0"):
        read_bounds(value)


@given(st.lists(st.text(max_size=30)), st.integers(min_value=40, max_value=200))
def test_packs_hold_everything_in_order(texts: list[str], limit: int) -> None:
    packs = pack([json.dumps(text).encode() for text in texts], limit)
    assert [each for part in packs for each in json.loads(part)] == texts
    assert all(len(part) <= limit or len(json.loads(part)) == 1 for part in packs)
