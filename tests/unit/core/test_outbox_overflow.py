"""What each policy does where a queue is full, and how its page is told."""

from __future__ import annotations

import json

import pytest

from tests.support.outboxes import ITEM, fill, give, outbox_of, reply, send, waiting
from thywill.core.outbox import Bounds, Full, Outbox, lost_in
from thywill.core.overflow import Overflow, Policies

NEWEST = Bounds(messages=2, overflow=Overflow.DROP_NEWEST)
CONFLATE = Bounds(messages=3, overflow=Overflow.CONFLATE)


# Drop the newest.


@pytest.mark.parametrize("bounds", [NEWEST, Bounds(size=2 * ITEM, overflow=Overflow.DROP_NEWEST)])
def test_the_newest_does_not_get_in(bounds: Bounds) -> None:
    outbox = outbox_of(1, 2, bounds=bounds)
    assert fill(outbox, 3, 4) == 2
    assert waiting(outbox) == [1, 2]
    assert give(outbox) == give(outbox) == ([1, 2], 4, 2)


def test_a_number_that_nothing_follows_is_told_until_it_is_acknowledged_and_then_no_more() -> None:
    outbox = outbox_of(1, 2, bounds=NEWEST)
    give(outbox)
    fill(outbox, 3)
    outbox.acknowledge(2)
    assert give(outbox) == give(outbox) == ([], 3, 1)
    outbox.acknowledge(3)
    assert give(outbox) == ([], 3, 0)
    fill(outbox, 4)
    assert give(outbox) == ([4], 4, 0)


def test_a_number_that_was_told_does_not_grow() -> None:
    outbox = outbox_of(1, 2, bounds=NEWEST)
    fill(outbox, 3)
    assert give(outbox) == ([1, 2], 3, 1)
    fill(outbox, 4, 5)
    outbox.acknowledge(3)
    assert give(outbox) == ([], 5, 2)


def test_one_that_is_told_again_with_more_counts_what_the_page_has_not_had() -> None:
    outbox = outbox_of(1, 2, bounds=NEWEST)
    fill(outbox, 3)
    give(outbox)
    fill(outbox, 4)
    assert give(outbox) == ([1, 2], 4, 2)
    outbox.acknowledge(3)  # only the first answer arrived
    assert give(outbox) == ([], 4, 1)


def test_a_page_that_repeats_its_cursor_for_ever_makes_nothing_grow() -> None:
    outbox = Outbox(Bounds(messages=2, batch=10, overflow=Overflow.DROP_NEWEST))
    for message_id in range(1, 1000):
        send(outbox, message_id)
        outbox.next_answer()
    assert len(outbox.entries) <= 11
    assert outbox.in_flight == 10
    given = give(outbox)
    outbox.acknowledge(given[1])
    assert give(outbox) == ([], 999, 997 - given[2])


def test_one_that_is_larger_than_the_queue_gets_in_alone() -> None:
    outbox = Outbox(Bounds(size=1, overflow=Overflow.DROP_NEWEST))
    assert fill(outbox, 1) == 0
    assert fill(outbox, 2) == 1


def test_a_reply_gets_in_for_the_oldest() -> None:
    outbox = outbox_of(1, 2, bounds=NEWEST)
    assert reply(outbox, 3) == 1
    assert give(outbox) == ([2, 3], 3, 1)


def test_a_stream_is_told_a_number_that_nothing_follows() -> None:
    outbox = outbox_of(1, 2, bounds=NEWEST)
    outbox.batch_after(0)
    fill(outbox, 3)
    [loss] = outbox.batch_after(2)
    assert (loss.id, lost_in([loss])) == (3, 1)
    assert outbox.batch_after(3) == []
    outbox.acknowledge(3)
    assert waiting(outbox) == []


# Conflate.


def test_the_same_key_replaces_what_waits_and_nothing_is_lost() -> None:
    outbox = Outbox(CONFLATE)
    for message_id, key in ((1, "a"), (2, "b"), (3, "a"), (4, None)):
        assert send(outbox, message_id, key) == 0
    assert give(outbox) == ([2, 3, 4], 4, 0)
    outbox.acknowledge(4)
    assert outbox.keys == {}


def test_what_was_given_out_is_not_replaced() -> None:
    outbox = Outbox(CONFLATE)
    send(outbox, 1, "a")
    give(outbox)
    send(outbox, 2, "a")
    assert give(outbox) == ([1, 2], 2, 0)


def test_a_full_queue_without_the_key_drops_its_oldest() -> None:
    outbox = Outbox(CONFLATE)
    assert [send(outbox, message_id, str(message_id)) for message_id in (1, 2, 3, 4)] == [0, 0, 0, 1]
    assert send(outbox, 5, "1") == 1
    assert give(outbox) == ([3, 4, 5], 5, 2)
    assert send(outbox, 6, "4") == 0


def test_another_policy_has_no_keys() -> None:
    outbox = Outbox(Bounds())
    assert [send(outbox, message_id, "a") for message_id in (1, 2)] == [0, 0]
    assert waiting(outbox) == [1, 2]
    assert outbox.keys is None


def test_what_was_lost_on_either_side_of_one_that_is_replaced_becomes_one_number() -> None:
    outbox = Outbox(Bounds(messages=2, overflow=Overflow.CONFLATE))
    send(outbox, 1)
    send(outbox, 2, "a")
    send(outbox, 3, overflow=Overflow.DROP_NEWEST)
    send(outbox, 4)
    assert [item.lost for item in outbox.entries] == [1, 0, 1, 0]
    assert send(outbox, 5, "a") == 0
    assert [item.lost for item in outbox.entries] == [2, 0, 0]
    assert give(outbox) == ([4, 5], 5, 2)


# Disconnect.


def test_a_message_that_must_not_be_dropped_is_dropped_for_no_other() -> None:
    outbox = Outbox(Bounds(messages=2))
    send(outbox, 1, overflow=Overflow.DISCONNECT)
    send(outbox, 2)
    assert fill(outbox, 3) == 1
    assert waiting(outbox) == [1, 3]
    with pytest.raises(Full):
        send(outbox, 4, overflow=Overflow.DISCONNECT)


def test_where_only_such_wait_the_new_one_is_dropped() -> None:
    outbox = Outbox(Bounds(messages=1))
    send(outbox, 1, overflow=Overflow.DISCONNECT)
    assert fill(outbox, 2) == 1
    assert give(outbox) == ([1], 2, 1)


# The log gives up.


def test_what_the_log_gives_up_is_told() -> None:
    outbox = outbox_of(1, 2, 3, 4)
    assert outbox.drop_up_to(0) == 0
    assert outbox.drop_up_to(2) == 2
    assert outbox.drop_up_to(2) == 0
    assert outbox.drop_up_to(3) == 1
    assert len(outbox.entries) == 2
    assert give(outbox) == ([4], 4, 3)
    assert outbox.drop_up_to(9) == 1
    assert outbox.size == 0


def test_what_was_given_out_is_lost_as_far_as_the_page_has_not_had_it() -> None:
    for cursor, lost in ((0, 3), (1, 2), (3, 0)):
        outbox = outbox_of(1, 2, 3)
        give(outbox)
        assert outbox.drop_up_to(3) == 3
        outbox.acknowledge(cursor)
        assert give(outbox) == ([], 3, lost)


def test_what_must_not_be_dropped_is_not_given_up() -> None:
    outbox = outbox_of(1)
    reply(outbox, 2)
    assert outbox.drop_up_to(1) == 1
    with pytest.raises(Full):
        outbox.drop_up_to(2)
    assert json.loads(outbox.next_answer())["messages"] == [[2, 0, 1]]


# Which policy.


def test_a_channel_has_the_policy_of_its_name_before_that_of_a_pattern() -> None:
    channels = {
        "a*": Overflow.CONFLATE,
        "*": Overflow.DISCONNECT,
        "ab": Overflow.DROP_NEWEST,
        "[x]": Overflow.CONFLATE,
    }
    policies = Policies(Overflow.DROP_OLDEST, channels)
    assert [policies.of(name) for name in ("ab", "a", "abc", "b\n", "[x]", "x")] == [
        Overflow.DROP_NEWEST,
        Overflow.CONFLATE,
        Overflow.CONFLATE,
        Overflow.DISCONNECT,
        Overflow.CONFLATE,
        Overflow.DISCONNECT,
    ]


def test_without_a_policy_for_a_channel_it_is_the_applications() -> None:
    assert Policies(None, {}).of("a") is None
    assert Policies(Overflow.CONFLATE, {"x:*:y": Overflow.DISCONNECT}).of("x:y") is Overflow.CONFLATE
    assert Policies(None, {"x:*:y": Overflow.DISCONNECT}).of("x::y") is Overflow.DISCONNECT
