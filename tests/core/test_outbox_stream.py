"""A queue and a stream: each message is written once, and again if the stream broke before it was read."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.core import STEADY
from tests.core.test_outbox import ITEM, fill, outbox_of, waiting
from tests.core.test_outbox_network import Delivery, bounds
from thywill.core.outbox import Bounds, Entry
from thywill.errors import Malformed


def ids(entries: list[Entry]) -> list[int]:
    return [entry.id for entry in entries]


def test_a_stream_gets_what_came_after_what_it_has_written() -> None:
    outbox = outbox_of(2, 4)
    assert ids(outbox.give_after(0)) == [2, 4]
    assert ids(outbox.give_after(4)) == []
    fill(outbox, 6, 8)
    assert ids(outbox.give_after(4)) == [6, 8]
    assert ids(outbox.give_after(8)) == []
    assert waiting(outbox) == [2, 4, 6, 8]


def test_what_a_stream_was_given_is_acknowledged_and_let_go() -> None:
    outbox = outbox_of(1, 2, 3)
    outbox.give_after(0)
    outbox.acknowledge(2)
    assert waiting(outbox) == [3]
    assert ids(outbox.give_after(3)) == []
    assert ids(outbox.give_after(2)) == [3]


def test_the_next_stream_begins_after_what_was_acknowledged() -> None:
    outbox = outbox_of(1, 2, 3)
    outbox.give_after(0)
    outbox.acknowledge(1)
    assert ids(outbox.give_after(1)) == [2, 3]


@pytest.mark.parametrize("limits", [Bounds(batch=2), Bounds(batch_size=2 * ITEM)])
def test_a_stream_is_ahead_of_its_browser_by_one_answer_at_most(limits: Bounds) -> None:
    outbox = outbox_of(1, 2, 3, 4, bounds=limits)
    assert ids(outbox.give_after(0)) == [1, 2]
    assert ids(outbox.give_after(2)) == []
    with pytest.raises(Malformed):
        outbox.acknowledge(3)
    outbox.acknowledge(1)
    assert ids(outbox.give_after(2)) == [3]
    outbox.acknowledge(3)
    assert ids(outbox.give_after(3)) == [4]


@pytest.mark.parametrize("limits", [Bounds(batch=2), Bounds(batch_size=2 * ITEM)])
def test_an_answer_may_be_as_large_as_allowed(limits: Bounds) -> None:
    outbox = outbox_of(1, 2, bounds=limits)
    assert ids(outbox.give_after(1)) == [2]
    outbox.acknowledge(2)


def test_what_was_given_to_a_stream_is_not_dropped() -> None:
    outbox = outbox_of(1, 2, bounds=Bounds(messages=2))
    outbox.give_after(0)
    assert fill(outbox, 3, 4) == 1
    assert waiting(outbox) == [1, 2, 4]
    entries = outbox.give_after(2)
    assert (ids(entries), outbox.lost_before(entries)) == ([4], 1)


def test_the_number_lost_is_that_before_the_entries_in_question() -> None:
    outbox = outbox_of(1, 2, bounds=Bounds(messages=2))
    assert outbox.lost_before(outbox.entries) == 0
    fill(outbox, 3)
    first = outbox.give_after(0)
    assert outbox.lost_before(first) == 1
    assert outbox.lost_before(first[1:]) == outbox.lost_before([]) == 0


def test_a_form_is_made_once() -> None:
    made = []

    def double(encoded: bytes) -> bytes:
        made.append(encoded)
        return encoded * 2

    entry = Entry(1, b"5")
    assert entry.form(double) is entry.form(double)
    assert entry.form(double) == b"[1,5][1,5]"
    assert made == [b"[1,5]"]


class Streams(Delivery):
    """The browser changes between polls and streams at any time; it may see but the beginning of a stream."""

    @initialize(limits=bounds)
    def begin(self, limits: Bounds) -> None:
        super().begin(limits)
        self.opening: list[tuple[int, int]] = []
        self.stream = 0
        self.written = 0
        self.frames: list[tuple[int, dict[str, Any]]] = []
        self.cursors: list[int] = []

    @rule()
    def the_browser_opens_a_stream(self) -> None:
        self.opening.append(self.browser.poll())

    @precondition(lambda self: self.opening)
    @rule(data=st.data())
    def a_stream_arrives(self, data: st.DataObject) -> None:
        request, cursor = self.opening.pop(data.draw(st.integers(0, len(self.opening) - 1)))
        if not self.outbox.is_stale(cursor):
            self.outbox.acknowledge(cursor)
            self.stream, self.written = request, cursor
            self.write()

    @rule()
    def the_stream_takes_more(self) -> None:
        self.write()

    def write(self) -> None:
        if self.stream:
            entries = self.outbox.give_after(self.written)
            items = [[entry.id] for entry in entries]
            self.written = max([self.written, *(entry.id for entry in entries)])
            frame = {"messages": items, "cursor": self.written, "lost": self.outbox.lost_before(entries)}
            self.frames.append((self.stream, frame))

    def answer(self, cursor: int) -> bytes:
        if not self.outbox.is_stale(cursor):
            self.stream = 0
        return super().answer(cursor)

    @precondition(lambda self: self.frames)
    @rule()
    def the_browser_reads(self) -> None:
        request, frame = self.frames.pop(0)
        was_waiting = self.browser.is_waiting
        self.browser.answered(request, frame)
        self.browser.is_waiting = was_waiting
        if request == self.browser.request:
            self.cursors.append(self.browser.cursor)

    @precondition(lambda self: self.cursors)
    @rule(data=st.data())
    def an_acknowledgement_arrives(self, data: st.DataObject) -> None:
        cursor = data.draw(st.sampled_from(self.cursors))
        if cursor > self.outbox.cursor:
            self.outbox.acknowledge(cursor)

    @rule()
    def the_stream_breaks_off(self) -> None:
        self.stream = 0
        self.frames.clear()


TestStreams = Streams.TestCase
TestStreams.settings = settings(STEADY, stateful_step_count=50)
