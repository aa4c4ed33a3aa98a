"""An outbox that was restored after a restart: conflation goes on, and nothing is processed twice."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tests.support.outbox_network import Browser
from tests.support.outboxes import poll, send, waiting
from tests.support.steady import STEADY
from thywill.core.envelope import encode_superseded
from thywill.core.log import Entry, Loss, Waiting
from thywill.core.outbox import Bounds, Outbox
from thywill.core.overflow import Overflow

CONFLATE = Bounds(overflow=Overflow.CONFLATE)


def entry(message_id: int, key: str | None = None, overflow: Overflow | None = None) -> Entry:
    return Entry(message_id, b'"x"', None, key, overflow)


def restored(*items: Waiting, cursor: int = 0, bounds: Bounds = CONFLATE) -> Outbox:
    return Outbox.restored(bounds, cursor, list(items), max(item.id for item in items))


def test_a_message_replaces_one_with_its_key_from_before_the_restart() -> None:
    outbox = restored(entry(1, "a"), entry(2, "b"), entry(3))
    assert send(outbox, 4, "a") == 0
    assert waiting(outbox) == [2, 3, 4]
    assert poll(outbox) == ([2, 3, 4], 4, 0)
    outbox.acknowledge(4)
    assert (waiting(outbox), outbox.in_flight, outbox.keys) == ([], 0, {})


def test_the_replacement_can_be_replaced_until_it_is_in_flight() -> None:
    outbox = restored(entry(1, "a"), entry(2))
    send(outbox, 3, "a")
    send(outbox, 4, "a")
    assert poll(outbox) == ([2, 4], 4, 0)


def test_of_the_restored_messages_with_one_key_the_last_is_left() -> None:
    outbox = restored(entry(1, "a"), entry(2), entry(3, "a"), entry(4, "b"))
    assert waiting(outbox) == [2, 3, 4]
    assert outbox.in_flight == 3


def test_it_replaces_one_that_may_be_in_flight_whose_cursor_is_accepted() -> None:
    outbox = restored(entry(1), entry(2, "a"), entry(3))
    assert poll(outbox) == ([1, 2, 3], 3, 0)
    send(outbox, 4, "a")
    assert poll(outbox) == ([1, 3, 4], 4, 0)
    outbox.acknowledge(2)  # of an answer from before the restart
    assert poll(outbox) == ([3, 4], 4, 0)
    outbox.acknowledge(4)
    assert waiting(outbox) == []


def test_a_message_from_after_the_restart_is_not_replaced_in_flight() -> None:
    outbox = restored(entry(1, "a"))
    send(outbox, 2, "a")
    poll(outbox)
    send(outbox, 3, "a")
    assert poll(outbox) == ([2, 3], 3, 0)


def test_restored_losses_on_both_sides_of_a_replaced_message_stay_two() -> None:
    outbox = restored(Loss(1, 4), entry(2, "a"), Loss(3, 5))
    send(outbox, 4, "a")
    assert [item.lost for item in outbox.entries] == [4, 5, 0]
    outbox.acknowledge(2)  # the page has acknowledged the first loss
    assert poll(outbox) == ([4], 4, 5)


def test_other_policies_ignore_the_key() -> None:
    outbox = restored(entry(1, "a", Overflow.DROP_NEWEST), entry(2, "a"), entry(3, "a", Overflow.DROP_OLDEST))
    assert waiting(outbox) == [1, 2, 3]
    send(outbox, 4, "a")
    assert waiting(outbox) == [1, 3, 4]
    assert restored(entry(1, "a"), bounds=Bounds()).keys is None


class Restarts(RuleBasedStateMachine):
    """A message that the browser has skipped was replaced by a later one with the same key."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox(CONFLATE)
        self.browser = Browser()
        self.log: list[Entry] = []
        self.noted = 0
        self.answers: list[tuple[int, dict[str, Any]]] = []

    @rule(key=st.sampled_from([None, "a", "b"]))
    def the_application_sends(self, key: str | None) -> None:
        self.log.append(entry(len(self.log) + 1, key))
        assert self.outbox.append(self.log[-1]) == 0

    @rule()
    def the_browser_polls(self) -> None:
        request, cursor = self.browser.poll()
        if self.outbox.is_stale(cursor):
            answer = encode_superseded(self.outbox.cursor)
        else:
            self.outbox.acknowledge(cursor)
            answer = self.outbox.next_answer()
        self.answers.append((request, json.loads(answer)))

    @precondition(lambda self: self.answers)
    @rule(arrives=st.booleans())
    def an_answer_comes(self, arrives: bool) -> None:
        answer = self.answers.pop(0)
        if arrives:
            self.browser.answered(*answer)

    @rule()
    def the_cursor_is_saved(self) -> None:
        self.noted = self.outbox.cursor

    @rule()
    def the_server_is_killed(self) -> None:
        left: list[Waiting] = [each for each in self.log if each.id > self.noted]
        self.outbox = Outbox.restored(CONFLATE, self.noted, left, len(self.log))

    @invariant()
    def nothing_else_is_missing(self) -> None:
        seen = self.browser.seen
        assert seen == sorted(set(seen))
        assert self.browser.lost == 0
        for each in self.log[: self.browser.cursor]:
            if each.id not in seen:
                assert each.key is not None
                assert any(later.key == each.key for later in self.log[each.id :])

    @invariant()
    def of_each_key_at_most_one_waits(self) -> None:
        keys = [item.key for item in self.outbox.entries[self.outbox.in_flight :] if isinstance(item, Entry)]
        assert all(keys.count(key) == 1 for key in keys if key is not None)

    def teardown(self) -> None:
        for _ in range(3):
            self.the_browser_polls()
            self.browser.answered(*self.answers[-1])
        self.nothing_else_is_missing()
        assert self.browser.cursor == len(self.log)
        assert (self.outbox.entries, self.outbox.size, self.outbox.in_flight) == ([], 0, 0)
        assert not self.outbox.keys


TestRestarts = Restarts.TestCase
TestRestarts.settings = settings(STEADY, stateful_step_count=30)
