"""An outbox that a stream reads: each message once, and one answer's worth before an acknowledgement."""

from __future__ import annotations

import json

from thywill.core.log import Entry, Waiting
from thywill.core.outbox import Bounds, Outbox, lost_in


def make(*ids: int, **bounds: int) -> Outbox:
    outbox = Outbox(Bounds(**bounds))
    for message_id in ids:
        outbox.append(Entry(message_id, b'"%d"' % message_id))
    return outbox


def ids(items: list[Waiting]) -> list[int]:
    return [item.id for item in items if not item.lost]


def test_a_stream_writes_only_what_is_new() -> None:
    outbox = make(3, 5, 8)
    assert ids(outbox.batch_after(0)) == [3, 5, 8]
    assert ids(outbox.batch_after(8)) == []
    outbox.append(Entry(9, b"1"))
    assert ids(outbox.batch_after(8)) == [9]
    assert ids(outbox.batch_after(5)) == [8, 9]


def test_nothing_is_written_from_an_empty_outbox() -> None:
    assert make().batch_after(0) == []


def test_what_a_stream_has_written_can_be_acknowledged() -> None:
    outbox = make(3, 5, 8)
    outbox.batch_after(0)
    outbox.acknowledge(5)
    assert (ids(outbox.entries), outbox.in_flight, outbox.cursor) == ([8], 1, 5)
    assert ids(outbox.batch_after(8)) == []


def test_a_stream_writes_no_more_than_one_answer_before_an_acknowledgement() -> None:
    outbox = make(*range(1, 8), batch=3)
    assert ids(outbox.batch_after(0)) == [1, 2, 3]
    assert outbox.batch_after(3) == []
    outbox.acknowledge(2)
    assert ids(outbox.batch_after(3)) == [4, 5]
    outbox.acknowledge(5)
    assert ids(outbox.batch_after(5)) == [6, 7]


def test_its_bytes_count_too() -> None:
    size = len(Entry(1, b'"1"').encoded)
    outbox = make(1, 2, 3, batch_size=2 * size)
    assert ids(outbox.batch_after(0)) == [1, 2]
    outbox.acknowledge(1)
    assert ids(outbox.batch_after(2)) == [3]


def test_a_message_larger_than_an_answer_is_written_alone() -> None:
    outbox = make(1, 2, batch_size=1)
    assert ids(outbox.batch_after(0)) == [1]
    outbox.acknowledge(1)
    assert ids(outbox.batch_after(1)) == [2]


def test_what_a_stream_has_written_is_not_dropped() -> None:
    outbox = make(1, 2, messages=3, batch=2)
    outbox.batch_after(0)
    for message_id in (3, 4, 5):
        outbox.append(Entry(message_id, b"1"))
    assert ids(outbox.entries) == [1, 2, 5]
    outbox.acknowledge(2)
    given = outbox.batch_after(2)
    assert (ids(given), lost_in(given)) == ([5], 2)


def test_a_poll_after_a_stream_gets_what_is_not_acknowledged() -> None:
    outbox = make(1, 2, 3)
    outbox.batch_after(0)
    outbox.acknowledge(1)
    assert json.loads(outbox.next_answer()) == {"messages": [[2, "2"], [3, "3"]], "cursor": 3}
    outbox.acknowledge(3)


def test_a_stream_after_a_poll_begins_after_its_cursor() -> None:
    outbox = make(1, 2, 3)
    outbox.next_answer()
    outbox.acknowledge(1)
    assert ids(outbox.batch_after(1)) == [2, 3]


def test_a_form_is_made_once() -> None:
    entry, calls = Entry(1, b"2"), []

    def make_form(encoded: bytes) -> bytes:
        calls.append(encoded)
        return b"<%b>" % encoded

    assert entry.form(make_form) == entry.form(make_form) == b"<[1,2]>"
    assert calls == [b"[1,2]"]
