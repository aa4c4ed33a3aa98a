"""What each overflow policy does in a full outbox, and how the page learns of it."""

from __future__ import annotations

import json

import pytest

from tests.support.outboxes import ITEM, fill, outbox_of, poll, reply, send, waiting
from thywill.core.outbox import Bounds, Full, Outbox, lost_in
from thywill.core.overflow import Overflow, Policies

NEWEST = Bounds(messages=2, overflow=Overflow.DROP_NEWEST)
CONFLATE = Bounds(messages=3, overflow=Overflow.CONFLATE)


# drop_newest


@pytest.mark.parametrize("bounds", [NEWEST, Bounds(size=2 * ITEM, overflow=Overflow.DROP_NEWEST)])
def test_with_drop_newest_the_newest_is_dropped(bounds: Bounds) -> None:
    outbox = outbox_of(1, 2, bounds=bounds)
    assert fill(outbox, 3, 4) == 2
    assert waiting(outbox) == [1, 2]
    assert poll(outbox) == poll(outbox) == ([1, 2], 4, 2)


def test_a_loss_that_no_message_follows_is_reported_until_it_is_acknowledged() -> None:
    outbox = outbox_of(1, 2, bounds=NEWEST)
    poll(outbox)
    fill(outbox, 3)
    outbox.acknowledge(2)
    assert poll(outbox) == poll(outbox) == ([], 3, 1)
    outbox.acknowledge(3)
    assert poll(outbox) == ([], 3, 0)
    fill(outbox, 4)
    assert poll(outbox) == ([4], 4, 0)


def test_a_loss_in_flight_does_not_grow() -> None:
    outbox = outbox_of(1, 2, bounds=NEWEST)
    fill(outbox, 3)
    assert poll(outbox) == ([1, 2], 3, 1)
    fill(outbox, 4, 5)
    outbox.acknowledge(3)
    assert poll(outbox) == ([], 5, 2)


def test_an_answer_that_is_written_again_counts_all_losses_after_its_cursor() -> None:
    outbox = outbox_of(1, 2, bounds=NEWEST)
    fill(outbox, 3)
    poll(outbox)
    fill(outbox, 4)
    assert poll(outbox) == ([1, 2], 4, 2)
    outbox.acknowledge(3)  # only the first answer arrived
    assert poll(outbox) == ([], 4, 1)


def test_a_page_that_repeats_its_cursor_does_not_make_the_outbox_grow() -> None:
    outbox = Outbox(Bounds(messages=2, batch=10, overflow=Overflow.DROP_NEWEST))
    for message_id in range(1, 1000):
        send(outbox, message_id)
        outbox.next_answer()
    assert len(outbox.entries) <= 11
    assert outbox.in_flight == 10
    given = poll(outbox)
    outbox.acknowledge(given[1])
    assert poll(outbox) == ([], 999, 997 - given[2])


def test_a_message_larger_than_the_outbox_is_accepted_alone() -> None:
    outbox = Outbox(Bounds(size=1, overflow=Overflow.DROP_NEWEST))
    assert fill(outbox, 1) == 0
    assert fill(outbox, 2) == 1


def test_with_drop_newest_the_oldest_is_dropped_for_a_reply() -> None:
    outbox = outbox_of(1, 2, bounds=NEWEST)
    assert reply(outbox, 3) == 1
    assert poll(outbox) == ([2, 3], 3, 1)


def test_a_stream_reports_a_loss_that_no_message_follows() -> None:
    outbox = outbox_of(1, 2, bounds=NEWEST)
    outbox.batch_after(0)
    fill(outbox, 3)
    [loss] = outbox.batch_after(2)
    assert (loss.id, lost_in([loss])) == (3, 1)
    assert outbox.batch_after(3) == []
    outbox.acknowledge(3)
    assert waiting(outbox) == []


# conflate


def test_a_message_replaces_the_waiting_one_with_its_key_and_nothing_is_lost() -> None:
    outbox = Outbox(CONFLATE)
    for message_id, key in ((1, "a"), (2, "b"), (3, "a"), (4, None)):
        assert send(outbox, message_id, key) == 0
    assert poll(outbox) == ([2, 3, 4], 4, 0)
    outbox.acknowledge(4)
    assert outbox.keys == {}


def test_a_message_in_flight_is_not_replaced() -> None:
    outbox = Outbox(CONFLATE)
    send(outbox, 1, "a")
    poll(outbox)
    send(outbox, 2, "a")
    assert poll(outbox) == ([1, 2], 2, 0)


def test_without_the_key_in_a_full_outbox_the_oldest_is_dropped() -> None:
    outbox = Outbox(CONFLATE)
    assert [send(outbox, message_id, str(message_id)) for message_id in (1, 2, 3, 4)] == [0, 0, 0, 1]
    assert send(outbox, 5, "1") == 1
    assert poll(outbox) == ([3, 4, 5], 5, 2)
    assert send(outbox, 6, "4") == 0


def test_other_policies_ignore_the_key() -> None:
    outbox = Outbox(Bounds())
    assert [send(outbox, message_id, "a") for message_id in (1, 2)] == [0, 0]
    assert waiting(outbox) == [1, 2]
    assert outbox.keys is None


def test_losses_on_both_sides_of_a_replaced_message_are_merged() -> None:
    outbox = Outbox(Bounds(messages=2, overflow=Overflow.CONFLATE))
    send(outbox, 1)
    send(outbox, 2, "a")
    send(outbox, 3, overflow=Overflow.DROP_NEWEST)
    send(outbox, 4)
    assert [item.lost for item in outbox.entries] == [1, 0, 1, 0]
    assert send(outbox, 5, "a") == 0
    assert [item.lost for item in outbox.entries] == [2, 0, 0]
    assert poll(outbox) == ([4, 5], 5, 2)


# disconnect


def test_a_disconnect_message_is_not_dropped_for_another() -> None:
    outbox = Outbox(Bounds(messages=2))
    send(outbox, 1, overflow=Overflow.DISCONNECT)
    send(outbox, 2)
    assert fill(outbox, 3) == 1
    assert waiting(outbox) == [1, 3]
    with pytest.raises(Full):
        send(outbox, 4, overflow=Overflow.DISCONNECT)


def test_where_only_disconnect_messages_wait_the_new_one_is_dropped() -> None:
    outbox = Outbox(Bounds(messages=1))
    send(outbox, 1, overflow=Overflow.DISCONNECT)
    assert fill(outbox, 2) == 1
    assert poll(outbox) == ([1], 2, 1)


# Dropping for the log.


def test_messages_dropped_for_the_log_are_reported() -> None:
    outbox = outbox_of(1, 2, 3, 4)
    assert outbox.drop_up_to(0) == []
    assert [item.id for item in outbox.drop_up_to(2)] == [1, 2]
    assert outbox.drop_up_to(2) == []
    assert len(outbox.drop_up_to(3)) == 1
    assert len(outbox.entries) == 2
    assert poll(outbox) == ([4], 4, 3)
    assert len(outbox.drop_up_to(9)) == 1
    assert outbox.size == 0


def test_messages_in_flight_dropped_for_the_log_count_until_their_cursor() -> None:
    for cursor, lost in ((0, 3), (1, 2), (3, 0)):
        outbox = outbox_of(1, 2, 3)
        poll(outbox)
        assert len(outbox.drop_up_to(3)) == 3
        outbox.acknowledge(cursor)
        assert poll(outbox) == ([], 3, lost)


def test_disconnect_messages_and_replies_are_not_dropped_for_the_log() -> None:
    outbox = outbox_of(1)
    reply(outbox, 2)
    assert len(outbox.drop_up_to(1)) == 1
    with pytest.raises(Full):
        outbox.drop_up_to(2)
    assert json.loads(outbox.next_answer())["messages"] == [[2, 0, 1]]


# Choosing a policy.


def test_a_policy_for_a_channels_name_precedes_one_for_a_pattern() -> None:
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


def test_without_a_policy_for_a_channel_that_of_the_application_applies() -> None:
    assert Policies(None, {}).of("a") is None
    assert Policies(Overflow.CONFLATE, {"x:*:y": Overflow.DISCONNECT}).of("x:y") is Overflow.CONFLATE
    assert Policies(None, {"x:*:y": Overflow.DISCONNECT}).of("x::y") is Overflow.DISCONNECT
