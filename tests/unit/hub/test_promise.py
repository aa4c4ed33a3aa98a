"""The delivery promise: pages, a hub, and between them a network that does what networks do."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from tests.support.hub_fakes import AWAY, TIMING, FakePoll, World
from tests.support.outbox_network import Browser
from tests.support.steady import STEADY
from thywill.core.lifecycle import State
from thywill.core.message import Address
from thywill.core.outbox import Bounds
from thywill.errors import TooMany
from thywill.hub.client import LiveClient

HOLD = 10.0
TICK = TIMING.tick
LOBBY = Address.channel("lobby")


class Page:
    """A browser, what is on its way to and from it, and what it ought to see."""

    def __init__(self, client: LiveClient) -> None:
        self.client = client
        self.browser = Browser()
        self.expected: list[int] = []
        self.polls: list[tuple[int, int]] = []
        self.answers: list[tuple[int, dict[str, Any]]] = []
        self.confirmed = 0
        self.parked_at = self.heard_at = 1000.0

    @property
    def is_gone(self) -> bool:
        return self.client.state is State.GONE


class Promise(RuleBasedStateMachine):
    """A page sees all that was sent to it but for as many as it is told; nobody waits for what is there."""

    pages_of_all = st.integers(0, 2)

    @initialize(messages=st.integers(1, 5), batch=st.integers(1, 4), size=st.integers(10, 60))
    def begin(self, messages: int, batch: int, size: int) -> None:
        self.world = World(bounds=Bounds(messages=messages, batch=batch, size=4 * size, batch_size=size))
        self.pages = [Page(self.world.create(session=session)) for session in ("ann", "ann", "bob")]

    @rule(number=pages_of_all, size=st.integers(0, 20))
    def the_application_sends(self, number: int, size: int) -> None:
        page = self.pages[number]
        self.send(Address.client(page.client.id), size, [page])

    @rule(size=st.integers(0, 20))
    def the_application_sends_to_a_session(self, size: int) -> None:
        self.send(Address.session("ann"), size, self.pages[:2])

    @rule(size=st.integers(0, 20))
    def the_application_publishes(self, size: int) -> None:
        members = [page for page in self.pages if "lobby" in self.world.actions.channels_of(page.client)]
        self.send(LOBBY, size, members)

    def send(self, address: Address, size: int, pages: list[Page]) -> None:
        self.world.send(address, "x" * size)
        for page in pages:
            if not page.is_gone:
                page.expected.append(len(self.world.queue.appended))

    @rule(number=pages_of_all)
    def a_page_enters_or_leaves_the_channel(self, number: int) -> None:
        actions, client = self.world.actions, self.pages[number].client
        is_in = "lobby" in actions.channels_of(client)
        (actions.unsubscribe if is_in else actions.subscribe)(client, "lobby")

    @rule(number=pages_of_all)
    def a_page_polls(self, number: int) -> None:
        page = self.pages[number]
        page.polls.append(page.browser.poll())

    @rule(number=pages_of_all, data=st.data(), hold=st.sampled_from([0.0, HOLD, HOLD]), again=st.booleans())
    def a_poll_arrives(self, number: int, data: st.DataObject, hold: float, again: bool) -> None:
        page = self.pages[number]
        if page.polls:
            poll = data.draw(st.sampled_from(page.polls))
            if not again:
                page.polls.remove(poll)
            self.answer(page, *poll, hold)

    def answer(self, page: Page, request: int, cursor: int, hold: float) -> None:
        if page.is_gone:
            assert self.world.reason(page.client) == AWAY
            return
        assert self.world.hub.find(page.client.token) is page.client
        if not page.client.outbox.is_stale(cursor):
            page.parked_at = page.heard_at = self.world.now
        poll = FakePoll(self.world.hub, page.client)
        poll.after = lambda: self.answered(page, request, poll)
        self.world.hub.poll(page.client, poll, cursor, hold)

    def answered(self, page: Page, request: int, poll: FakePoll) -> None:
        if poll.calls[-1] in ("flush", "expire"):
            page.heard_at = self.world.now
        page.answers.append((request, poll.answer))

    @rule(number=pages_of_all, data=st.data(), again=st.booleans())
    def an_answer_arrives(self, number: int, data: st.DataObject, again: bool) -> None:
        page = self.pages[number]
        if page.answers:
            place = data.draw(st.integers(0, len(page.answers) - 1))
            page.browser.answered(*page.answers[place])
            if not again:
                del page.answers[place]

    @rule(number=pages_of_all)
    def a_connection_breaks(self, number: int) -> None:
        page = self.pages[number]
        if isinstance(page.client.receiver, FakePoll):
            page.client.receiver.closed()
            page.heard_at = self.world.now
        page.polls.clear()
        page.answers.clear()

    @rule(number=pages_of_all, back=st.integers(0, 2), count=st.integers(0, 5))
    def a_page_sends(self, number: int, back: int, count: int) -> None:
        page = self.pages[number]
        if page.is_gone:
            return
        first = max(1, page.confirmed + 1 - back)
        try:
            received = self.world.receive(page.client, *range(first, first + count))
        except TooMany:
            assert page.client.pending == TIMING.pending
            return
        page.confirmed = received
        page.heard_at = self.world.now

    @rule(number=pages_of_all)
    def the_application_has_handled_all(self, number: int) -> None:
        client = self.pages[number].client
        client.handled = client.inbox.received

    @rule()
    def the_loop_turns(self) -> None:
        self.world.turn()

    @precondition(lambda self: not self.world.soon)
    @rule(seconds=st.sampled_from([TICK, 1, 3, 5.5, HOLD + TICK, 30]))
    def time_passes(self, seconds: float) -> None:
        self.world.sleep(seconds)

    @invariant()
    def a_page_has_seen_all_but_what_it_was_told(self) -> None:
        for page in self.pages:
            seen, cursor = page.browser.seen, page.browser.cursor
            passed = [number for number in page.expected if number <= cursor]
            assert seen == [number for number in passed if number in seen], "not what was sent, in order"
            assert len(seen) + page.browser.lost == len(passed), "lost in silence, or told twice"

    @invariant()
    def nobody_waits_for_what_is_there(self) -> None:
        for page in self.pages:
            if page.client.receiver is not None and page.client.outbox.entries:
                assert page.client.waiting
                assert self.world.soon

    @invariant()
    def a_poll_is_held_no_longer_than_it_asked_for(self) -> None:
        for page in self.pages:
            if page.client.receiver is not None:
                assert self.world.now <= page.parked_at + HOLD + TICK

    @invariant()
    def a_client_is_gone_when_its_grace_time_is_over_and_not_before(self) -> None:
        for page in self.pages:
            silent = self.world.now - page.heard_at
            if page.is_gone:
                assert page.client.receiver is None
                assert silent >= TIMING.grace
            elif page.client.receiver is None:
                assert silent <= TIMING.grace + 2 * TICK
                assert page.client.state is State.DETACHED or silent <= TIMING.pause + TICK

    @invariant()
    def the_application_gets_each_message_once_and_in_order(self) -> None:
        for page in self.pages:
            told = [event for event in self.world.events if f" {page.client.id}" in event]
            numbers = [int(n) for event in told for n in event.partition("[")[2].rstrip("]").split(", ") if n]
            assert numbers == list(range(1, page.client.inbox.received + 1))
            assert not told or told[0] == f"connected {page.client.id}"
            assert (told[-1:] == [f"disconnected {page.client.id}"]) == (page.is_gone and bool(told))

    def teardown(self) -> None:
        for page in self.pages:
            for _ in range(2 * len(page.expected) + 2):
                self.answer(page, *page.browser.poll(), 0)
                if page.answers:
                    page.browser.answered(*page.answers[-1])
            if not page.is_gone:
                assert page.browser.cursor == max([0, *page.expected])
        self.a_page_has_seen_all_but_what_it_was_told()


TestPromise = Promise.TestCase
TestPromise.settings = settings(STEADY, stateful_step_count=50)
