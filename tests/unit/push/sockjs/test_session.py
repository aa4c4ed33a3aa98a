"""A session's life, as data: what each event does in each state, and that no other event is possible."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from tests.support.sockjs_fakes import HOLD, PAUSE, FakeKeeper, FakeReply
from thywill.push.sockjs import frames
from thywill.push.sockjs.session import INTERRUPTED, TAKEN, Session
from thywill.push.sockjs.states import (
    TRANSITIONS,
    IllegalSessionEvent,
    SessionAction,
    SessionEvent,
    SessionState,
    advance,
)

END = frames.close(3000, "Go away!")
LAST = frames.messages([frames.quote(b"last")])
SOMETHING = b'a["something"]'


class Recorded(Session):
    """A session that always has something to say when it is asked after ``has`` was set."""

    has = False

    def __init__(self, keeper: FakeKeeper) -> None:
        super().__init__(keeper, "name")
        self._book = keeper

    def on_open(self) -> None:
        self._book.calls.append("opened")

    def on_heartbeat(self) -> None:
        self._book.calls.append("beats")

    def on_end(self) -> None:
        self._book.calls.append("ended")

    def next_frame(self) -> bytes:
        has, self.has = self.has, False
        return SOMETHING if has else b""


class Desk:
    """A session that was brought into a state, and the events that can be done to it."""

    def __init__(self, state: SessionState) -> None:
        self.keeper = FakeKeeper()
        self.session = Recorded(self.keeper)
        for event in WAY_TO[state]:
            self.do(event)
        assert self.session.state is state
        self.keeper.calls.clear()

    def do(self, event: SessionEvent) -> None:
        done: dict[SessionEvent, Callable[[], None]] = {
            SessionEvent.JOIN: lambda: self.session.join(FakeReply(self.keeper)),
            SessionEvent.BLOCK: self.session.blocked,
            SessionEvent.READ: self.session.resumed,
            SessionEvent.RELEASE: self.session.released,
            SessionEvent.BREAK: self.session.broken,
            SessionEvent.END: lambda: self.session.close(3000, "Go away!", b"last"),
            SessionEvent.DUE: self.session.overdue,
        }
        done[event]()


JOIN, RELEASE, END_EVENT, DUE = (
    SessionEvent.JOIN, SessionEvent.RELEASE, SessionEvent.END, SessionEvent.DUE,
)  # fmt: skip
WAY_TO: dict[SessionState, tuple[SessionEvent, ...]] = {
    SessionState.NEW: (),
    SessionState.WAITING: (JOIN,),
    SessionState.BLOCKED: (JOIN, SessionEvent.BLOCK),
    SessionState.AWAY: (JOIN, RELEASE),
    SessionState.ENDED: (JOIN, RELEASE, END_EVENT),
    SessionState.FORGOTTEN: (JOIN, RELEASE, DUE),
}
DOES: dict[SessionAction, list[object]] = {
    SessionAction.NOTHING: [],
    SessionAction.OPEN: [HOLD, b"o", "opened", SOMETHING],
    SessionAction.REFUSE: [TAKEN, "answered"],
    SessionAction.SAY_END: [PAUSE, "ended", LAST, END, "answered"],
    SessionAction.REPEAT_END: [LAST, END, "answered"],
    SessionAction.INTERRUPT: [PAUSE, "ended"],
}
"""What is seen of an action wherever it is done. What of the others depends on the state is below."""
DOES_IN: dict[tuple[SessionState, SessionEvent], list[object]] = {
    (SessionState.WAITING, RELEASE): [PAUSE],
    (SessionState.BLOCKED, RELEASE): [PAUSE],
    (SessionState.AWAY, END_EVENT): [PAUSE, "ended"],
    (SessionState.AWAY, JOIN): [HOLD, SOMETHING],
    (SessionState.BLOCKED, SessionEvent.READ): [SOMETHING],
    (SessionState.WAITING, DUE): ["beats", frames.HEARTBEAT, HOLD],
    (SessionState.BLOCKED, DUE): ["beats", HOLD],
    (SessionState.AWAY, DUE): ["ended", "forgotten"],
    (SessionState.ENDED, DUE): ["forgotten"],
}
PAIRS = list(itertools.product(SessionState, SessionEvent))


@pytest.mark.parametrize(("state", "event"), [pair for pair in PAIRS if pair in TRANSITIONS])
def test_what_an_event_does(state: SessionState, event: SessionEvent) -> None:
    desk = Desk(state)
    after, action = TRANSITIONS[state, event]
    desk.session.has = True
    desk.do(event)
    expected = DOES.get(action)
    assert desk.keeper.calls == (DOES_IN[state, event] if expected is None else expected)
    assert desk.session.state is after


@pytest.mark.parametrize(("state", "event"), [pair for pair in PAIRS if pair not in TRANSITIONS])
def test_no_other_event_is_possible(state: SessionState, event: SessionEvent) -> None:
    desk = Desk(state)
    with pytest.raises(IllegalSessionEvent, match=f"{event.name} while {state.name}"):
        desk.do(event)
    assert (desk.session.state, desk.keeper.calls) == (state, [])
    with pytest.raises(IllegalSessionEvent):
        advance(state, event)


def test_every_state_is_reached_and_every_action_done() -> None:
    reached = {after for after, _ in TRANSITIONS.values()} | {SessionState.NEW}
    assert reached == set(SessionState)
    assert {action for _, action in TRANSITIONS.values()} == set(SessionAction)


# What is left over from the table.


def test_messages_of_one_request_are_answered_together() -> None:
    desk = Desk(SessionState.WAITING)
    written: list[object] = []

    class Answering(Recorded):
        def on_message(self, message: str) -> None:
            self.has = True
            self.flush()
            written.append(list(self._book.calls))

    desk.session = Answering(desk.keeper)
    desk.do(JOIN)
    desk.keeper.calls.clear()
    desk.session.receive(["a", "b"])
    assert written == [[], []]
    assert desk.keeper.calls == [SOMETHING]


def test_messages_behind_the_end_are_dropped() -> None:
    desk, seen = Desk(SessionState.WAITING), []

    class Ending(Recorded):
        def on_message(self, message: str) -> None:
            seen.append(message)
            self.close(3000, "Go away!")

    desk.session = Ending(desk.keeper)
    desk.do(JOIN)
    desk.session.receive(["a", "b"])
    assert seen == ["a"]


def test_a_poll_gets_the_end_one_frame_at_a_time() -> None:
    desk = Desk(SessionState.ENDED)
    told: list[object] = []
    for _ in range(3):
        reply = FakeReply(desk.keeper)
        reply.streams = False  # type: ignore[misc]
        desk.keeper.calls.clear()
        desk.session.join(reply)
        told.append(desk.keeper.calls[0])
    assert told == [LAST, END, END]


def test_requests_after_a_broken_connection_get_the_reason() -> None:
    desk = Desk(SessionState.WAITING)
    desk.do(SessionEvent.BREAK)
    desk.keeper.calls.clear()
    desk.do(JOIN)
    assert desk.keeper.calls == [INTERRUPTED, "answered"]


def test_a_stream_that_begins_blocked_is_opened_and_waits() -> None:
    desk = Desk(SessionState.NEW)
    reply = FakeReply(desk.keeper)
    reply.blocks = True
    desk.session.has = True
    desk.session.join(reply)
    assert desk.session.state is SessionState.BLOCKED
    assert desk.keeper.calls == [HOLD, b"o", "opened"]


def test_a_session_has_no_dict() -> None:
    # There are thousands of sessions.
    assert not hasattr(Session(FakeKeeper(), "name"), "__dict__")
