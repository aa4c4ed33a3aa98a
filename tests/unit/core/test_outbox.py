"""A client's outbox: no message leaves before it is acknowledged, and each loss is reported once."""

from __future__ import annotations

import pytest

from tests.support.outboxes import ITEM, WIDE, fill, outbox_of, poll, reply, waiting
from thywill.core.log import Entry
from thywill.core.outbox import Bounds, Full, Outbox
from thywill.core.overflow import Overflow
from thywill.errors import Malformed

# Writing and acknowledging.


def test_the_answer_of_an_empty_outbox_has_only_its_cursor() -> None:
    assert poll(Outbox(WIDE)) == ([], 0, 0)
    assert poll(Outbox(WIDE, 7)) == ([], 7, 0)


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


def test_unacknowledged_messages_are_written_again_before_new_ones() -> None:
    outbox = outbox_of(1, 2)
    assert poll(outbox) == poll(outbox) == ([1, 2], 2, 0)
    fill(outbox, 3)
    assert poll(outbox) == ([1, 2, 3], 3, 0)


def test_a_message_is_written_again_until_it_is_acknowledged() -> None:
    outbox = outbox_of(1)
    assert poll(outbox) == poll(outbox) == ([1], 1, 0)
    outbox.acknowledge(1)
    assert poll(outbox) == ([], 1, 0)


def test_acknowledged_messages_are_removed() -> None:
    outbox = outbox_of(1, 2, 3)
    poll(outbox)
    outbox.acknowledge(3)
    assert waiting(outbox) == []
    assert outbox.cursor == 3
    fill(outbox, 4)
    assert poll(outbox) == ([4], 4, 0)


def test_an_earlier_answer_may_be_acknowledged_after_a_later_one_was_written() -> None:
    outbox = outbox_of(1, 2)
    poll(outbox)
    fill(outbox, 3, 4)
    poll(outbox)
    outbox.acknowledge(2)
    assert waiting(outbox) == [3, 4]
    outbox.acknowledge(4)
    assert waiting(outbox) == []


def test_a_message_that_came_after_the_answer_stays() -> None:
    outbox = outbox_of(1)
    poll(outbox)
    fill(outbox, 2)
    outbox.acknowledge(1)
    assert poll(outbox) == ([2], 2, 0)


def test_the_same_cursor_again_changes_nothing() -> None:
    outbox = outbox_of(1, 2)
    outbox.acknowledge(0)
    poll(outbox)
    outbox.acknowledge(2)
    fill(outbox, 3)
    outbox.acknowledge(2)
    assert waiting(outbox) == [3]


@pytest.mark.parametrize("cursor", [1, 3, 5, 6, 7, 9])
def test_a_cursor_that_was_never_sent_is_malformed(cursor: int) -> None:
    outbox = outbox_of(2, 4, 6, bounds=Bounds(batch=2))
    poll(outbox)
    with pytest.raises(Malformed, match=f"^cursor {cursor} was never sent to this client$"):
        outbox.acknowledge(cursor)
    assert waiting(outbox) == [2, 4, 6]
    assert outbox.cursor == 0
    outbox.acknowledge(4)
    assert waiting(outbox) == [6]


def test_nothing_can_be_acknowledged_before_it_was_written() -> None:
    outbox = outbox_of(1)
    with pytest.raises(Malformed):
        outbox.acknowledge(1)
    with pytest.raises(Malformed):
        Outbox(WIDE).acknowledge(1)


def test_an_older_cursor_cannot_be_acknowledged_any_more() -> None:
    outbox = outbox_of(1, 2)
    poll(outbox)
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
    assert poll(outbox) == poll(outbox) == ([1, 2], 2, 0)
    outbox.acknowledge(2)
    assert poll(outbox) == ([3, 4], 4, 0)
    outbox.acknowledge(4)
    assert poll(outbox) == ([5], 5, 0)


@pytest.mark.parametrize(
    ("size", "ids"),
    [(1, [1]), (ITEM, [1]), (2 * ITEM - 1, [1]), (2 * ITEM, [1, 2]), (2 * ITEM + 1, [1, 2]), (99, [1, 2, 3])],
)
def test_an_answer_carries_no_more_bytes_than_a_batch_but_one_message(size: int, ids: list[int]) -> None:
    outbox = outbox_of(1, 2, 3, bounds=Bounds(batch_size=size))
    assert poll(outbox) == (ids, ids[-1], 0)
    with pytest.raises(Malformed):
        outbox.acknowledge(ids[-1] + 1)
    outbox.acknowledge(ids[-1])


def test_an_answer_keeps_both_of_its_bounds() -> None:
    outbox = outbox_of(1, 2, 3, 4, 5, bounds=Bounds(batch=2, batch_size=3 * ITEM))
    assert poll(outbox) == ([1, 2], 2, 0)
    outbox = outbox_of(1, 2, 3, 4, 5, bounds=Bounds(batch=3, batch_size=2 * ITEM))
    assert poll(outbox) == ([1, 2], 2, 0)


def test_a_message_larger_than_a_batch_is_written_alone_between_others() -> None:
    outbox = Outbox(Bounds(batch_size=20))
    for number, text in enumerate((b'"x"', b'"%b"' % (b"y" * 50), b'"z"'), start=1):
        outbox.append(Entry(number, text))
    for number in (1, 2, 3):
        assert poll(outbox) == ([number], number, 0)
        outbox.acknowledge(number)


# Overflow.


def test_an_outbox_may_be_filled_up_to_its_bounds() -> None:
    by_number = outbox_of(1, 2, 3, bounds=Bounds(messages=3))
    by_size = outbox_of(1, 2, 3, bounds=Bounds(size=3 * ITEM))
    assert waiting(by_number) == waiting(by_size) == [1, 2, 3]


@pytest.mark.parametrize("bounds", [Bounds(messages=3), Bounds(size=3 * ITEM), Bounds(size=4 * ITEM - 1)])
def test_the_oldest_is_dropped_for_the_newest(bounds: Bounds) -> None:
    outbox = outbox_of(1, 2, 3, bounds=bounds)
    assert fill(outbox, 4) == 1
    assert waiting(outbox) == [2, 3, 4]
    assert poll(outbox) == ([2, 3, 4], 4, 1)


def test_a_large_message_takes_the_place_of_several() -> None:
    outbox = outbox_of(1, 2, 3, 4, bounds=Bounds(size=4 * ITEM))
    assert outbox.append(Entry(5, b'"%b"' % (b"x" * 2 * ITEM))) == 3
    assert waiting(outbox) == [4, 5]
    assert poll(outbox) == ([4, 5], 5, 3)


def test_the_newest_message_is_not_dropped_however_large_it_is() -> None:
    outbox = outbox_of(1, 2, bounds=Bounds(size=2 * ITEM))
    assert outbox.append(Entry(3, b'"%b"' % (b"x" * 100))) == 2
    assert waiting(outbox) == [3]
    assert poll(outbox) == ([3], 3, 2)


def test_a_message_in_flight_is_not_dropped() -> None:
    outbox = outbox_of(1, 2, 3, bounds=Bounds(messages=3, batch=2))
    poll(outbox)
    assert fill(outbox, 4) == 1
    assert waiting(outbox) == [1, 2, 4]
    outbox.acknowledge(2)
    assert poll(outbox) == ([4], 4, 1)


def test_when_all_are_in_flight_the_newest_is_held_beyond_the_bounds() -> None:
    outbox = outbox_of(1, 2, bounds=Bounds(messages=2, batch=2))
    poll(outbox)
    assert fill(outbox, 3) == 0
    assert fill(outbox, 4, 5) == 2
    assert waiting(outbox) == [1, 2, 5]


def test_a_loss_is_reported_until_it_is_acknowledged_and_then_no_more() -> None:
    outbox = outbox_of(1, 2, bounds=Bounds(messages=2))
    fill(outbox, 3)
    assert poll(outbox) == poll(outbox) == ([2, 3], 3, 1)
    outbox.acknowledge(3)
    assert poll(outbox) == ([], 3, 0)
    fill(outbox, 4)
    assert poll(outbox) == ([4], 4, 0)


def test_a_loss_is_reported_again_with_its_message() -> None:
    outbox = outbox_of(1, bounds=Bounds(messages=1))
    fill(outbox, 2)
    assert poll(outbox) == poll(outbox) == ([2], 2, 1)


def test_a_loss_grows_when_the_message_after_it_is_dropped_as_well() -> None:
    outbox = outbox_of(1, 2, bounds=Bounds(messages=2))
    assert fill(outbox, 3, 4, 5) == 3
    assert poll(outbox) == ([4, 5], 5, 3)


def test_a_loss_is_reported_in_the_answer_whose_cursor_passes_it() -> None:
    outbox = outbox_of(1, 2, 3, bounds=Bounds(messages=3, batch=2))
    poll(outbox)
    fill(outbox, 4, 5)
    assert waiting(outbox) == [1, 2, 5]
    assert poll(outbox) == ([1, 2], 2, 0)
    outbox.acknowledge(2)
    assert poll(outbox) == ([5], 5, 2)


def test_two_losses_in_one_answer_are_reported_as_one_number() -> None:
    outbox = outbox_of(1, 2, bounds=Bounds(messages=2, batch=10))
    fill(outbox, 3)
    assert poll(outbox) == ([2, 3], 3, 1)
    fill(outbox, 4, 5, 6)
    assert waiting(outbox) == [2, 3, 6]
    assert poll(outbox) == ([2, 3, 6], 6, 3)
    outbox.acknowledge(3)
    assert poll(outbox) == ([6], 6, 2)


def test_replies_stay_while_the_messages_around_them_are_dropped() -> None:
    outbox = outbox_of(1, bounds=Bounds(messages=3))
    assert reply(outbox, 2) + fill(outbox, 3) == 0
    assert fill(outbox, 4) == 1
    assert waiting(outbox) == [2, 3, 4]
    assert fill(outbox, 5) == 1
    assert waiting(outbox) == [2, 4, 5]
    assert reply(outbox, 6) == 1
    assert poll(outbox) == ([2, 5, 6], 6, 3)


def test_losses_before_and_after_a_reply_are_reported_separately() -> None:
    outbox = outbox_of(1, bounds=Bounds(messages=3, batch=1))
    reply(outbox, 2)
    fill(outbox, 3, 4, 5)
    assert waiting(outbox) == [2, 4, 5]
    for expected in (([], 1, 1), ([2], 2, 0), ([], 3, 1), ([4], 4, 0), ([5], 5, 0)):
        assert poll(outbox) == expected
        outbox.acknowledge(expected[1])


def test_an_outbox_full_of_replies_drops_other_messages_and_refuses_another_reply() -> None:
    outbox = Outbox(Bounds(messages=2))
    assert reply(outbox, 1) + reply(outbox, 2) == 0
    assert fill(outbox, 3, 4) == 2
    assert poll(outbox) == ([1, 2], 4, 2)
    outbox = Outbox(Bounds(messages=2))
    assert reply(outbox, 1) + reply(outbox, 2) == 0
    with pytest.raises(Full):
        reply(outbox, 3)


def test_replies_in_flight_do_not_make_an_outbox_full() -> None:
    outbox = Outbox(Bounds(messages=2))
    reply(outbox, 1)
    reply(outbox, 2)
    poll(outbox)
    assert fill(outbox, 3) == 0
    assert fill(outbox, 4) == 1
    assert waiting(outbox) == [1, 2, 4]


def test_with_disconnect_a_full_outbox_raises_full() -> None:
    for bounds in (
        Bounds(messages=2, overflow=Overflow.DISCONNECT),
        Bounds(size=2 * ITEM, overflow=Overflow.DISCONNECT),
    ):
        outbox = outbox_of(1, 2, bounds=bounds)
        with pytest.raises(Full):
            fill(outbox, 3)
