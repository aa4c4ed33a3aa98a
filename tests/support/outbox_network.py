"""A queue and a browser, with a network between them that loses, repeats, delays and reorders everything."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from thywill.core.envelope import encode_superseded
from thywill.core.log import Entry
from thywill.core.outbox import Bounds, Full, Outbox
from thywill.core.overflow import Overflow

bounds = st.builds(
    Bounds,
    messages=st.integers(1, 6),
    size=st.integers(20, 120),
    batch=st.integers(1, 8),
    batch_size=st.integers(1, 80),
    overflow=st.sampled_from([Overflow.DROP_OLDEST, Overflow.DROP_NEWEST, Overflow.CONFLATE]),
)
policies = st.sampled_from([None, None, None, None, *Overflow])


class Browser:
    """A model of ``receiver.js``: it sends one request at a time and ignores ids that it has seen."""

    def __init__(self) -> None:
        self.cursor = 0
        self.seen: list[int] = []
        self.lost = 0
        self.request = 0
        self.is_waiting = False

    def poll(self) -> tuple[int, int]:
        """Abandon the present request, and return the number and cursor of a new one."""
        self.request += 1
        self.is_waiting = True
        return self.request, self.cursor

    def answered(self, request: int, answer: dict[str, Any]) -> None:
        if request != self.request or not self.is_waiting:
            return
        self.is_waiting = False
        self.lost += answer.get("lost", 0)
        for item in answer["messages"]:
            if item[0] > self.cursor:
                self.cursor = item[0]
                self.seen.append(item[0])
        assert answer["cursor"] <= self.cursor or answer["lost"], "an answer points behind what is in it"
        self.cursor = max(self.cursor, answer["cursor"])


class Delivery(RuleBasedStateMachine):
    """The browser has seen every message up to its cursor, except for as many as were reported lost."""

    @initialize(limits=bounds)
    def begin(self, limits: Bounds) -> None:
        self.bounds = limits
        self.outbox = Outbox(limits)
        self.browser = Browser()
        self.sent: list[int] = []
        self.protected: set[int] = set()
        self.conflated: set[int] = set()
        self.newest: dict[str, int] = {}
        self.is_full = self.is_vague = False
        self.dropped = 0
        self.polls: list[tuple[int, int]] = []
        self.answers: list[tuple[int, dict[str, Any]]] = []

    @precondition(lambda self: not self.is_full)
    @rule(
        step=st.integers(1, 3),
        size=st.integers(0, 30),
        reply_to=st.sampled_from([None, None, None, 1]),
        key=st.sampled_from([None, None, "a", "b"]),
        overflow=policies,
    )
    def the_application_sends(
        self, step: int, size: int, reply_to: int | None, key: str | None, overflow: Overflow | None
    ) -> None:
        self.sent.append(step + (self.sent[-1] if self.sent else 0))
        entry = Entry(self.sent[-1], b'"%b"' % (b"x" * size), reply_to, key, overflow)
        policy = overflow or self.bounds.overflow
        if reply_to is not None or policy is Overflow.DISCONNECT:
            self.protected.add(entry.id)
        if key is not None and policy is Overflow.CONFLATE:
            self.expect_conflation(key, entry.id)
        self.append(entry, policy)

    def expect_conflation(self, key: str, message_id: int) -> None:
        waiting = [item.id for item in self.outbox.entries[self.outbox.in_flight :] if not item.lost]
        older = self.newest.get(key)
        if older in waiting:
            self.conflated.add(older)
        self.newest[key] = message_id

    def append(self, entry: Entry, policy: Overflow) -> None:
        try:
            self.dropped += self.outbox.append(entry)
        except Full:
            self.is_full = True
            assert entry.id in self.protected
            waiting = [item for item in self.outbox.entries[self.outbox.in_flight : -1] if not item.lost]
            if policy is not Overflow.DISCONNECT:
                assert waiting, "there was room"
                assert self.protected.issuperset(item.id for item in waiting), "one could have been dropped"

    @precondition(lambda self: self.sent and not self.is_full)
    @rule(data=st.data())
    def the_log_gives_up(self, data: st.DataObject) -> None:
        up_to = data.draw(st.sampled_from(self.sent))
        waiting = [item.id for item in self.outbox.entries if item.id <= up_to and not item.lost]
        given = [item.id for item in self.outbox.entries[: self.outbox.in_flight]]
        try:
            count = len(self.outbox.drop_up_to(up_to))
        except Full:
            assert self.protected.intersection(waiting)
            return
        assert count == len(waiting)
        self.is_vague |= bool(set(waiting).intersection(given))
        self.dropped += count

    @rule()
    def the_browser_polls(self) -> None:
        self.polls.append(self.browser.poll())

    @precondition(lambda self: self.polls)
    @rule(data=st.data(), again=st.booleans())
    def a_poll_arrives(self, data: st.DataObject, again: bool) -> None:
        request, cursor = poll = data.draw(st.sampled_from(self.polls))
        if not again:
            self.polls.remove(poll)
        self.answers.append((request, json.loads(self.answer(cursor))))

    def answer(self, cursor: int) -> bytes:
        if self.outbox.is_stale(cursor):
            return encode_superseded(self.outbox.cursor)
        self.outbox.acknowledge(cursor)
        return self.outbox.next_answer()

    @precondition(lambda self: self.answers)
    @rule(data=st.data(), again=st.booleans())
    def an_answer_arrives(self, data: st.DataObject, again: bool) -> None:
        place = data.draw(st.integers(0, len(self.answers) - 1))
        self.browser.answered(*self.answers[place])
        if not again:
            del self.answers[place]

    @rule(keep=st.integers(0, 2))
    def the_network_loses_what_is_oldest(self, keep: int) -> None:
        del self.polls[: max(0, len(self.polls) - keep)]
        del self.answers[: max(0, len(self.answers) - keep)]

    @invariant()
    def the_browser_has_seen_all_but_what_it_was_told(self) -> None:
        sent = [number for number in self.sent if number not in self.conflated]
        passed = [number for number in sent if number <= self.browser.cursor]
        seen = self.browser.seen
        assert seen == [number for number in passed if number in seen], "not what was sent, in order"
        assert len(seen) + self.browser.lost == len(passed), "lost in silence, or told twice"
        assert self.is_full or self.browser.lost <= self.dropped
        assert self.protected.intersection(passed).issubset(seen), "one was dropped that must not be"

    @precondition(lambda self: not self.is_full)
    @invariant()
    def the_queue_keeps_its_bounds(self) -> None:
        outbox = self.outbox
        assert outbox.size == sum(len(entry.encoded) for entry in outbox.entries)
        assert outbox.in_flight <= min(len(outbox.entries), self.bounds.batch)
        assert len(outbox) <= max(self.bounds.messages, outbox.in_flight + 1)
        assert outbox.losses == sum(1 for item in outbox.entries if item.lost)
        assert outbox.lost == sum(item.lost for item in outbox.entries)
        assert outbox.losses <= outbox.in_flight + len(outbox) + 1
        over = outbox.size > self.bounds.size
        assert not over or len(outbox) <= outbox.in_flight + 1

    def teardown(self) -> None:
        self.polls, self.answers = [], []
        for _ in range(2 * len(self.sent) + 2):
            request, cursor = self.browser.poll()
            self.browser.answered(request, json.loads(self.answer(cursor)))
        self.the_browser_has_seen_all_but_what_it_was_told()
        assert len(self.browser.seen) + self.browser.lost + len(self.conflated) == len(self.sent)
        assert self.is_full or self.is_vague or self.browser.lost == self.dropped
        outbox = self.outbox
        assert len(outbox) == outbox.size == outbox.in_flight == outbox.losses == len(outbox.entries) == 0
        assert not outbox.keys
