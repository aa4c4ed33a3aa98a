"""A client's queue: nothing leaves before it is acknowledged, and what is dropped is told exactly once."""

from __future__ import annotations

import pytest

from tests.support.outboxes import ITEM, WIDE, fill, give, outbox_of, reply, waiting
from thywill.core.outbox import Bounds, Entry, Full, Outbox
from thywill.core.overflow import Overflow
from thywill.errors import Malformed

# Giving out and acknowledging.


def test_an_empty_queue_gives_its_cursor() -> None:
    assert give(Outbox(WIDE)) == ([], 0, 0)
    assert give(Outbox(WIDE, 7)) == ([], 7, 0)


def test_an_answer_holds_the_messages_as_they_were_encoded() -> None:
    outbox = Outbox(WIDE)
    outbox.append(Entry(4, b'{"a":1}'))
    outbox.append(Entry(9, b'{"result":2}', 3))
    assert outbox.next_answer() == b'{"messages":[[4,{"a":1}],[9,{"result":2},3]],"cursor":9}'


def test_one_message_is_the_same_bytes_for_every_receiver() -> None:
    entry = Entry(5, b'"x"')
    queues = [Outbox(WIDE), Outbox(WIDE, 3)]
    for outbox in queues:
        outbox.append(entry)
    first, second = (outbox.next_answer() for outbox in queues)
    assert first is second
    assert first == b'{"messages":[[5,"x"]],"cursor":5}'


def test_what_is_not_acknowledged_is_given_again_before_what_is_new() -> None:
    outbox = outbox_of(1, 2)
    assert give(outbox) == give(outbox) == ([1, 2], 2, 0)
    fill(outbox, 3)
    assert give(outbox) == ([1, 2, 3], 3, 0)


def test_one_message_is_given_again_until_it_is_acknowledged() -> None:
    outbox = outbox_of(1)
    assert give(outbox) == give(outbox) == ([1], 1, 0)
    outbox.acknowledge(1)
    assert give(outbox) == ([], 1, 0)


def test_what_is_acknowledged_is_let_go() -> None:
    outbox = outbox_of(1, 2, 3)
    give(outbox)
    outbox.acknowledge(3)
    assert waiting(outbox) == []
    assert outbox.cursor == 3
    fill(outbox, 4)
    assert give(outbox) == ([4], 4, 0)


def test_an_earlier_answer_may_be_acknowledged_after_a_later_one_was_given() -> None:
    outbox = outbox_of(1, 2)
    give(outbox)
    fill(outbox, 3, 4)
    give(outbox)
    outbox.acknowledge(2)
    assert waiting(outbox) == [3, 4]
    outbox.acknowledge(4)
    assert waiting(outbox) == []


def test_what_came_after_the_answer_stays() -> None:
    outbox = outbox_of(1)
    give(outbox)
    fill(outbox, 2)
    outbox.acknowledge(1)
    assert give(outbox) == ([2], 2, 0)


def test_the_same_cursor_again_changes_nothing() -> None:
    outbox = outbox_of(1, 2)
    outbox.acknowledge(0)
    give(outbox)
    outbox.acknowledge(2)
    fill(outbox, 3)
    outbox.acknowledge(2)
    assert waiting(outbox) == [3]


@pytest.mark.parametrize("cursor", [1, 3, 5, 6, 7, 9])
def test_a_cursor_that_was_never_given_out_is_malformed(cursor: int) -> None:
    outbox = outbox_of(2, 4, 6, bounds=Bounds(batch=2))
    give(outbox)
    with pytest.raises(Malformed, match=f"^cursor {cursor} was never sent to this client$"):
        outbox.acknowledge(cursor)
    assert waiting(outbox) == [2, 4, 6]
    assert outbox.cursor == 0
    outbox.acknowledge(4)
    assert waiting(outbox) == [6]


def test_nothing_can_be_acknowledged_before_anything_was_given_out() -> None:
    outbox = outbox_of(1)
    with pytest.raises(Malformed):
        outbox.acknowledge(1)
    with pytest.raises(Malformed):
        Outbox(WIDE).acknowledge(1)


def test_what_was_acknowledged_is_not_acknowledged_twice() -> None:
    outbox = outbox_of(1, 2)
    give(outbox)
    outbox.acknowledge(1)
    outbox.acknowledge(2)
    with pytest.raises(Malformed):
        outbox.acknowledge(1)


def test_a_cursor_before_the_acknowledged_one_is_stale() -> None:
    outbox = Outbox(WIDE, 5)
    assert [outbox.is_stale(cursor) for cursor in (0, 4, 5, 6)] == [True, True, False, False]


# How much one answer carries.


def test_an_answer_carries_no_more_messages_than_a_batch() -> None:
    outbox = outbox_of(1, 2, 3, 4, 5, bounds=Bounds(batch=2))
    assert give(outbox) == give(outbox) == ([1, 2], 2, 0)
    outbox.acknowledge(2)
    assert give(outbox) == ([3, 4], 4, 0)
    outbox.acknowledge(4)
    assert give(outbox) == ([5], 5, 0)


@pytest.mark.parametrize(
    ("size", "ids"),
    [(1, [1]), (ITEM, [1]), (2 * ITEM - 1, [1]), (2 * ITEM, [1, 2]), (2 * ITEM + 1, [1, 2]), (99, [1, 2, 3])],
)
def test_an_answer_carries_no_more_bytes_than_a_batch_but_one_message(size: int, ids: list[int]) -> None:
    outbox = outbox_of(1, 2, 3, bounds=Bounds(batch_size=size))
    assert give(outbox) == (ids, ids[-1], 0)
    with pytest.raises(Malformed):
        outbox.acknowledge(ids[-1] + 1)
    outbox.acknowledge(ids[-1])


def test_an_answer_keeps_both_of_its_bounds() -> None:
    outbox = outbox_of(1, 2, 3, 4, 5, bounds=Bounds(batch=2, batch_size=3 * ITEM))
    assert give(outbox) == ([1, 2], 2, 0)
    outbox = outbox_of(1, 2, 3, 4, 5, bounds=Bounds(batch=3, batch_size=2 * ITEM))
    assert give(outbox) == ([1, 2], 2, 0)


def test_a_message_larger_than_a_batch_is_given_alone_between_others() -> None:
    outbox = Outbox(Bounds(batch_size=20))
    for number, text in enumerate((b'"x"', b'"%b"' % (b"y" * 50), b'"z"'), start=1):
        outbox.append(Entry(number, text))
    for number in (1, 2, 3):
        assert give(outbox) == ([number], number, 0)
        outbox.acknowledge(number)


# Overflow.


def test_a_queue_may_be_full() -> None:
    by_number = outbox_of(1, 2, 3, bounds=Bounds(messages=3))
    by_size = outbox_of(1, 2, 3, bounds=Bounds(size=3 * ITEM))
    assert waiting(by_number) == waiting(by_size) == [1, 2, 3]


@pytest.mark.parametrize("bounds", [Bounds(messages=3), Bounds(size=3 * ITEM), Bounds(size=4 * ITEM - 1)])
def test_the_oldest_is_dropped_for_the_newest(bounds: Bounds) -> None:
    outbox = outbox_of(1, 2, 3, bounds=bounds)
    assert fill(outbox, 4) == 1
    assert waiting(outbox) == [2, 3, 4]
    assert give(outbox) == ([2, 3, 4], 4, 1)


def test_a_large_message_takes_the_place_of_several() -> None:
    outbox = outbox_of(1, 2, 3, 4, bounds=Bounds(size=4 * ITEM))
    assert outbox.append(Entry(5, b'"%b"' % (b"x" * 2 * ITEM))) == 3
    assert waiting(outbox) == [4, 5]
    assert give(outbox) == ([4, 5], 5, 3)


def test_the_newest_is_kept_however_large_it_is() -> None:
    outbox = outbox_of(1, 2, bounds=Bounds(size=2 * ITEM))
    assert outbox.append(Entry(3, b'"%b"' % (b"x" * 100))) == 2
    assert waiting(outbox) == [3]
    assert give(outbox) == ([3], 3, 2)


def test_what_was_given_out_is_not_dropped() -> None:
    outbox = outbox_of(1, 2, 3, bounds=Bounds(messages=3, batch=2))
    give(outbox)
    assert fill(outbox, 4) == 1
    assert waiting(outbox) == [1, 2, 4]
    outbox.acknowledge(2)
    assert give(outbox) == ([4], 4, 1)


def test_a_full_queue_that_was_given_out_holds_the_newest_beyond_its_bounds() -> None:
    outbox = outbox_of(1, 2, bounds=Bounds(messages=2, batch=2))
    give(outbox)
    assert fill(outbox, 3) == 0
    assert fill(outbox, 4, 5) == 2
    assert waiting(outbox) == [1, 2, 5]


def test_the_number_lost_is_told_until_it_is_acknowledged_and_then_no_more() -> None:
    outbox = outbox_of(1, 2, bounds=Bounds(messages=2))
    fill(outbox, 3)
    assert give(outbox) == give(outbox) == ([2, 3], 3, 1)
    outbox.acknowledge(3)
    assert give(outbox) == ([], 3, 0)
    fill(outbox, 4)
    assert give(outbox) == ([4], 4, 0)


def test_the_number_lost_stays_with_one_message_that_is_given_again() -> None:
    outbox = outbox_of(1, bounds=Bounds(messages=1))
    fill(outbox, 2)
    assert give(outbox) == give(outbox) == ([2], 2, 1)


def test_the_number_lost_goes_on_to_the_next_when_its_message_is_dropped_as_well() -> None:
    outbox = outbox_of(1, 2, bounds=Bounds(messages=2))
    assert fill(outbox, 3, 4, 5) == 3
    assert give(outbox) == ([4, 5], 5, 3)


def test_the_number_lost_comes_with_the_answer_that_passes_the_gap() -> None:
    outbox = outbox_of(1, 2, 3, bounds=Bounds(messages=3, batch=2))
    give(outbox)
    fill(outbox, 4, 5)
    assert waiting(outbox) == [1, 2, 5]
    assert give(outbox) == ([1, 2], 2, 0)
    outbox.acknowledge(2)
    assert give(outbox) == ([5], 5, 2)


def test_the_losses_of_two_gaps_in_one_answer_are_told_as_one_number() -> None:
    outbox = outbox_of(1, 2, bounds=Bounds(messages=2, batch=10))
    fill(outbox, 3)
    assert give(outbox) == ([2, 3], 3, 1)
    fill(outbox, 4, 5, 6)
    assert waiting(outbox) == [2, 3, 6]
    assert give(outbox) == ([2, 3, 6], 6, 3)
    outbox.acknowledge(3)
    assert give(outbox) == ([6], 6, 2)


def test_replies_are_kept_and_what_is_around_them_is_dropped() -> None:
    outbox = outbox_of(1, bounds=Bounds(messages=3))
    assert reply(outbox, 2) + fill(outbox, 3) == 0
    assert fill(outbox, 4) == 1
    assert waiting(outbox) == [2, 3, 4]
    assert fill(outbox, 5) == 1
    assert waiting(outbox) == [2, 4, 5]
    assert reply(outbox, 6) == 1
    assert give(outbox) == ([2, 5, 6], 6, 3)


def test_the_losses_on_either_side_of_a_reply_are_told_where_they_happened() -> None:
    outbox = outbox_of(1, bounds=Bounds(messages=3, batch=1))
    reply(outbox, 2)
    fill(outbox, 3, 4, 5)
    assert waiting(outbox) == [2, 4, 5]
    for expected in (([], 1, 1), ([2], 2, 0), ([], 3, 1), ([4], 4, 0), ([5], 5, 0)):
        assert give(outbox) == expected
        outbox.acknowledge(expected[1])


def test_a_queue_that_is_full_of_replies_drops_what_is_none_and_says_that_it_is_full() -> None:
    outbox = Outbox(Bounds(messages=2))
    assert reply(outbox, 1) + reply(outbox, 2) == 0
    assert fill(outbox, 3, 4) == 2
    assert give(outbox) == ([1, 2], 4, 2)
    outbox = Outbox(Bounds(messages=2))
    assert reply(outbox, 1) + reply(outbox, 2) == 0
    with pytest.raises(Full):
        reply(outbox, 3)


def test_replies_that_were_given_out_do_not_make_a_queue_full() -> None:
    outbox = Outbox(Bounds(messages=2))
    reply(outbox, 1)
    reply(outbox, 2)
    give(outbox)
    assert fill(outbox, 3) == 0
    assert fill(outbox, 4) == 1
    assert waiting(outbox) == [1, 2, 4]


def test_a_queue_that_is_not_to_drop_says_that_it_is_full() -> None:
    for bounds in (
        Bounds(messages=2, overflow=Overflow.DISCONNECT),
        Bounds(size=2 * ITEM, overflow=Overflow.DISCONNECT),
    ):
        outbox = outbox_of(1, 2, bounds=bounds)
        with pytest.raises(Full):
            fill(outbox, 3)
