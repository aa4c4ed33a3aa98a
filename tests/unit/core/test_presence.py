"""People in channels: the pages of one session are one person."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from thywill.core.presence import PendingPresence, Presence

ADA, BOB = {"id": "ada"}, {"id": "bob", "user": "7"}


def test_a_second_page_and_a_reload_are_no_coming_and_going() -> None:
    presence = Presence(5.0)
    assert presence.enter("lobby", "a1", ADA)
    assert not presence.enter("lobby", "a2", ADA)
    presence.leave("lobby", "a1", "ada", 4.0)
    assert presence.next_end() is None
    presence.leave("lobby", "a2", "ada", 9.0)
    assert presence.next_end() == 14.0
    assert not presence.enter("lobby", "a3", ADA)
    assert presence.take_left(99.0) == []
    presence.leave("lobby", "a3", "ada", 20.0)
    assert presence.people("lobby") == [ADA]
    assert presence.take_left(24.9) == []
    assert presence.take_left(25.0) == [("lobby", ADA)]
    assert (presence.people("lobby"), presence.channels(), presence.next_end()) == ([], [], None)


def test_a_page_leaves_all_of_its_channels() -> None:
    presence = Presence(1.0)
    for channel in ("x", "y"):
        presence.enter(channel, "a1", ADA)
        presence.enter(channel, "b1", BOB)
    presence.leave_all("a1", "ada", 0.0)
    presence.leave_all("a1", "ada", 5.0)
    assert presence.take_left(1.0) == [("x", ADA), ("y", ADA)]
    assert presence.people("x") == presence.people("y") == [BOB]


def test_what_was_never_there_does_not_leave() -> None:
    presence = Presence(1.0)
    presence.enter("x", "b1", BOB)
    presence.leave("x", "a1", "ada", 0.0)
    presence.leave("y", "b1", "bob", 0.0)
    presence.leave_all("a1", "ada", 0.0)
    assert presence.take_left(9.0) == []


MOVES = st.tuples(st.sampled_from(["enter", "leave", "wait"]), st.integers(0, 5), st.integers(0, 2))


@given(st.lists(MOVES, max_size=60))
def test_everybody_who_joins_leaves_once(moves: list[tuple[str, int, int]]) -> None:
    presence, now, there = Presence(2.0), 0.0, Counter[str]()
    for move, page, seconds in moves:
        person = {"id": f"person {page % 2}"}
        if move == "enter":
            there[person["id"]] += presence.enter("x", f"page {page}", person)
        elif move == "leave":
            presence.leave("x", f"page {page}", person["id"], now)
        now += seconds
        there.subtract(left["id"] for _, left in presence.take_left(now))
        assert {each["id"] for each in presence.people("x")} == set(+there)
        assert set(there.values()) <= {0, 1}
    for page in range(6):
        presence.leave_all(f"page {page}", f"person {page % 2}", now)
    presence.take_left(now + 2)
    assert presence.channels() == []


def test_who_joins_and_leaves_before_anybody_is_told_is_not_told() -> None:
    pending, ada, bob = PendingPresence(), {"id": "ada"}, {"id": "bob"}
    pending.join(ada)
    pending.leave(bob)
    assert (pending.before([ada]), bool(pending)) == ([bob], True)
    pending.leave(ada)
    pending.join(bob)
    assert (pending.joined, pending.left, bool(pending)) == ({}, {}, False)


def test_who_comes_back_as_somebody_else_is_told_again() -> None:
    pending, anonymous = PendingPresence(), {"id": "ada"}
    pending.leave(anonymous)
    pending.join({"id": "ada", "user": "17"})
    assert pending.joined == {"ada": {"id": "ada", "user": "17"}}
