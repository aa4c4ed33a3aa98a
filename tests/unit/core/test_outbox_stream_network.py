"""A browser that changes between polls and streams, which the network breaks off."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, precondition, rule

from tests.support.outbox_network import Delivery, bounds
from tests.support.steady import STEADY
from thywill.core.outbox import Bounds, lost_in


class Streams(Delivery):
    """The browser changes between polls and streams at any time, and may see only a stream's beginning."""

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
            given = self.outbox.batch_after(self.written)
            items = [[item.id] for item in given if not item.lost]
            self.written = max([self.written, *(item.id for item in given)])
            frame = {"messages": items, "cursor": self.written, "lost": lost_in(given)}
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
