"""A client's inbox accepts each message once, in order, without a gap."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.support.steady import STEADY
from thywill.core.envelope import Item
from thywill.core.inbox import REMEMBERED, Inbox
from thywill.errors import Conflict, Gap, Malformed


def items(*numbers: int) -> list[Item]:
    return [Item(n, f"text {n}") for n in numbers]


def call(n: int, arguments: Any) -> Item:
    return Item(n, arguments, "method")


def numbers(accepted: list[Item]) -> list[int]:
    return [item.n for item in accepted]


@pytest.mark.parametrize(
    ("received", "sent", "accepted"),
    [
        (0, [], []),
        (0, [1, 2, 3], [1, 2, 3]),
        (3, [4], [4]),
        (3, [3], []),
        (3, [1, 2, 3], []),
        (3, [2, 3, 4, 5], [4, 5]),
        (0, [1, 1, 2, 1, 2, 3], [1, 2, 3]),
    ],
)
def test_new_messages_are_accepted(received: int, sent: list[int], accepted: list[int]) -> None:
    inbox = Inbox(received)
    assert numbers(inbox.accept(items(*sent), 100)) == accepted
    assert inbox.received == max([received, *accepted])


def test_an_item_comes_out_as_it_went_in() -> None:
    batch = [Item(1, {"a": None}), call(2, [1])]
    assert Inbox().accept(batch, 2) == batch


@pytest.mark.parametrize(
    ("room", "accepted"), [(0, []), (1, [3]), (2, [3, 4]), (3, [3, 4, 5]), (4, [3, 4, 5])]
)
def test_no_more_is_accepted_than_there_is_room_for(room: int, accepted: list[int]) -> None:
    inbox = Inbox(2)
    assert numbers(inbox.accept(items(1, 2, 3, 4, 5), room)) == accepted
    assert inbox.received == 2 + len(accepted)


@pytest.mark.parametrize("sent", [[2], [5], [1, 3], [1, 2, 4], [2, 1]])
def test_a_batch_with_a_gap_is_refused_whole(sent: list[int]) -> None:
    inbox = Inbox()
    with pytest.raises(Gap) as raised:
        inbox.accept(items(*sent), 100)
    assert raised.value.received == 0
    assert raised.value.details() == {"received": 0}
    assert str(raised.value) == "messages are missing: send again from number 1"
    assert inbox.received == 0


def test_a_gap_reports_the_last_number_that_was_accepted() -> None:
    with pytest.raises(Gap) as raised:
        Inbox(7).accept(items(8, 10), 100)
    assert raised.value.received == 7


def test_a_gap_beyond_the_room_is_refused_too() -> None:
    with pytest.raises(Gap):
        Inbox().accept(items(1, 3), 1)


@pytest.mark.parametrize("arguments", [None, "ab", 1, {"0": 1}])
def test_a_batch_with_a_malformed_call_is_refused_whole(arguments: Any) -> None:
    inbox = Inbox()
    with pytest.raises(Malformed) as raised:
        inbox.accept([*items(1), call(2, arguments)], 1)
    assert str(raised.value) == "message 2 is a call, but its arguments are not an array"
    assert inbox.received == 0


def test_a_repeat_is_ignored_whatever_it_holds() -> None:
    assert Inbox(1).accept([call(1, "no list"), *items(2)], 100) == items(2)


@STEADY
@given(sent=st.lists(st.integers(1, 6), max_size=8), received=st.integers(0, 4), room=st.integers(0, 8))
def test_any_batch_is_accepted_from_its_first_new_message_or_refused(
    sent: list[int], received: int, room: int
) -> None:
    inbox = Inbox(received)
    expected = received
    for n in sent:
        if n > expected + 1:
            with pytest.raises(Gap):
                inbox.accept(items(*sent), room)
            assert inbox.received == received
            return
        expected = max(expected, n)
    accepted = numbers(inbox.accept(items(*sent), room))
    assert accepted == list(range(received + 1, expected + 1))[:room]
    assert inbox.received == received + len(accepted)


class Upstream(RuleBasedStateMachine):
    """A browser sends its items in batches that overlap; the network loses, repeats and reorders them."""

    def __init__(self) -> None:
        super().__init__()
        self.inbox = Inbox()
        self.handled: list[int] = []
        self.written = 0
        self.confirmed = 0
        self.batches: list[list[Item]] = []
        self.answers: list[int] = []

    @rule(count=st.integers(1, 3))
    def the_application_writes(self, count: int) -> None:
        self.written += count

    @rule(back=st.integers(0, 3), count=st.integers(0, 5))
    def the_browser_sends(self, back: int, count: int) -> None:
        first = max(1, self.confirmed + 1 - back)
        self.batches.append(items(*range(first, min(first + count, self.written + 1))))

    @precondition(lambda self: self.batches)
    @rule(data=st.data(), again=st.booleans(), room=st.integers(0, 4))
    def a_batch_arrives(self, data: st.DataObject, again: bool, room: int) -> None:
        batch = data.draw(st.sampled_from(self.batches))
        if not again:
            self.batches.remove(batch)
        self.handled += numbers(self.inbox.accept(batch, room))
        self.answers.append(self.inbox.received)

    @precondition(lambda self: self.answers)
    @rule(data=st.data(), lost=st.booleans())
    def an_answer_arrives(self, data: st.DataObject, lost: bool) -> None:
        answer = self.answers.pop(data.draw(st.integers(0, len(self.answers) - 1)))
        if not lost:
            self.confirmed = max(self.confirmed, answer)

    @invariant()
    def each_is_handled_once_and_in_order(self) -> None:
        assert self.handled == list(range(1, self.inbox.received + 1))
        assert self.confirmed <= self.inbox.received <= self.written

    def teardown(self) -> None:
        self.handled += numbers(self.inbox.accept(items(*range(self.confirmed + 1, self.written + 1)), 10**6))
        assert self.handled == list(range(1, self.written + 1))


TestUpstream = Upstream.TestCase
TestUpstream.settings = settings(STEADY, stateful_step_count=30)


def test_a_number_that_is_used_again_for_another_message_is_a_conflict() -> None:
    inbox = Inbox()
    inbox.accept([Item(1, "one"), Item(2, {"a": [1, 2.5, None]})], 10)
    assert inbox.accept([Item(1, "one"), Item(2, {"a": [1, 2.5, None]})], 10) == []
    for other in (Item(2, {"a": [1, 2.5]}), Item(2, {"a": [1, 2.5, None]}, "call"), Item(1, "two")):
        with pytest.raises(Conflict) as raised:
            inbox.accept([other, Item(3, "three")], 10)
        assert raised.value.number == other.n
    assert inbox.received == 2


def test_a_message_that_was_taken_back_may_come_again_with_other_data() -> None:
    inbox = Inbox()
    inbox.accept([Item(1, "one"), Item(2, "two"), Item(3, "three")], 10)
    inbox.refuse(2)
    assert inbox.accept([Item(1, "one"), Item(2, "other")], 10) == [Item(2, "other")]
    with pytest.raises(Conflict):
        inbox.accept([Item(2, "two")], 10)


def test_messages_that_found_no_room_may_come_again_with_other_data() -> None:
    inbox = Inbox()
    inbox.accept([Item(1, "one"), Item(2, "two")], 1)
    assert inbox.accept([Item(2, "other")], 1) == [Item(2, "other")]


class TestRestart:
    """Digests are lost by a restart; what a browser repeats honestly is received all the same."""

    def test_a_repeat_of_the_last_batch_is_received(self) -> None:
        inbox = Inbox(2000, batch=100)
        assert inbox.accept([*items(*range(1901, 2001)), Item(2001, "new")], 200) == [Item(2001, "new")]
        assert inbox.accept([Item(1999, "repeat"), Item(2001, "new")], 10) == []

    def test_an_older_number_is_of_a_second_page(self) -> None:
        inbox = Inbox(2000, batch=100)
        for number in (1, 1900):
            with pytest.raises(Conflict):
                inbox.accept(items(number), 10)
        inbox.accept(items(*range(2001, 2051)), 100)
        assert inbox.accept(items(1901), 10) == []

    def test_messages_whose_hooks_had_not_ended_are_compared(self) -> None:
        inbox = Inbox(12, [Item(11, "x"), Item(12, "y")], batch=100)
        assert inbox.accept([Item(10, "?"), Item(11, "x"), Item(12, "y")], 10) == []
        for other in (Item(11, "other"), Item(12, "x")):
            with pytest.raises(Conflict):
                inbox.accept([other], 10)

    def test_a_client_that_has_sent_nothing(self) -> None:
        assert Inbox(0, batch=100).accept(items(1), 1) == items(1)


def test_a_number_that_is_far_back_is_no_repeat() -> None:
    inbox = Inbox()
    for number in range(1, 3 * REMEMBERED):
        inbox.accept([Item(number, number)], 10)
    last = inbox.received
    assert inbox.accept([Item(number, number) for number in range(last - REMEMBERED + 1, last)], 10) == []
    with pytest.raises(Conflict):
        inbox.accept([Item(1, 1)], 10)


def test_the_digests_of_a_client_stay_few() -> None:
    inbox = Inbox()
    for number in range(1, 5000):
        inbox.accept([Item(number, number)], 10)
    assert inbox._digests is not None
    assert len(inbox._digests) <= 2 * REMEMBERED


def test_an_integer_of_any_size_has_a_digest() -> None:
    inbox = Inbox()
    inbox.accept([Item(1, 2**80)], 10)
    inbox.accept([Item(1, 2**80)], 10)
    with pytest.raises(Conflict):
        inbox.accept([Item(1, 2**80 + 1)], 10)
