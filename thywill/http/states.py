"""The states of a connection, every transition in one table.

A connection handles requests one after another; each is answered before the next one is handled. The state
says what the connection waits for, and so decides its deadline. Bytes that arrive meanwhile wait: whole
requests in a list, the rest in a reader. In this example a browser's poll is parked, then half of a ``send``
arrives, and then the network fails:

    event          state         it waits for                                         deadline
    (accepted)     IDLE          a request's first byte                               idle_timeout
    PART_HEAD      HEAD          the rest of the head                                 header_timeout
    REQUEST        DISPATCHING   nothing: the endpoint is being called
    PARKED         ANSWERING     the endpoint, which kept the reply: a parked poll
    ANSWERED       READY         nothing: is there another request already?
    PART_BODY      BODY          the rest of the body of that ``send``                body_timeout
    TIMEOUT        LINGERING     the browser, to read the answer 408                  linger
    TIMEOUT        ABORTED       the loop, to say that the connection is gone
    LOSE           CLOSED

A browser that sends many requests at once gets a share of each turn of the loop, and then waits for the next
turn (WAITING). BLOCKED and FLUSHING wait for a browser that reads too slowly. Whether the browser will send
more is independent of the state (``Input``).
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import Final, TypeAlias

from thywill.core.lifecycle import IllegalTransition


class ConnectionState(enum.IntEnum):
    """What a connection waits for."""

    IDLE = 0  # the first byte of a request
    HEAD = 1  # the rest of a request's head
    BODY = 2  # the rest of a request's body
    READY = 3  # nothing: the next request may be handled
    WAITING = 4  # the next turn of the loop: its share of this one is used up
    DISPATCHING = 5  # nothing: the endpoint of a request is being called
    ANSWERING = 6  # the answer to a request
    BLOCKED = 7  # the browser, to read enough of an answer for the rest to be written
    FLUSHING = 8  # the browser, to read enough of the answers for the next request to be handled
    LINGERING = 9  # the browser, to read a refusal; all that it sends is ignored
    CLOSING = 10  # the browser, to read what is written; then the connection closes
    ABORTED = 11  # the loop, to report that the connection is gone
    CLOSED = 12  # nothing; final


class ConnectionEvent(enum.IntEnum):
    """What happens to a connection."""

    PART_HEAD = 0  # no whole request is left, but a part of a head
    PART_BODY = 1  # no whole request is left, but a head and perhaps a part of its body
    NOTHING = 2  # nothing is left of what has arrived
    REQUEST = 3  # a whole request is going to be handled
    SHARE_USED = 4  # the share of this turn is used up: other connections come first
    TURN = 5  # the next turn has come
    PARKED = 6  # the endpoint has returned without an answer
    ANSWERED = 7  # the answer is written
    PAUSE_WRITING = 8  # the browser reads more slowly than the server writes
    RESUME_WRITING = 9  # the browser has read enough
    REFUSE = 10  # the request is answered with an error, and the connection will close
    TIMEOUT = 11  # the state's deadline has passed
    CLOSE = 12  # the connection has to close when all is written
    ABORT = 13  # the connection has to close at once
    LOSE = 14  # the loop reports that the connection is gone
    ANSWERED_IDLE = 15  # the answer is written, and nothing else has arrived, as after most polls


class Input(enum.Enum):
    """Whether more bytes can come from the browser."""

    OPEN = enum.auto()
    PAUSED = enum.auto()  # reading has stopped, because enough waits to be handled
    ENDED = enum.auto()  # the browser has sent its last byte; it may still read


State: TypeAlias = ConnectionState
Event: TypeAlias = ConnectionEvent

TAKING: Final = (State.IDLE, State.HEAD, State.BODY, State.READY)
"""The states in which the next whole request is handled."""

_TAKE = {
    Event.REQUEST: State.DISPATCHING,
    Event.SHARE_USED: State.WAITING,
    Event.REFUSE: State.LINGERING,
    Event.PAUSE_WRITING: State.FLUSHING,
}
_LIVING: dict[State, dict[Event, State]] = {
    State.IDLE: {
        **_TAKE,
        Event.NOTHING: State.IDLE,
        Event.PART_HEAD: State.HEAD,
        Event.PART_BODY: State.BODY,
        Event.TIMEOUT: State.ABORTED,
    },
    State.HEAD: {
        **_TAKE,
        Event.PART_HEAD: State.HEAD,
        Event.PART_BODY: State.BODY,
        Event.TIMEOUT: State.LINGERING,
    },
    State.BODY: {
        **_TAKE,
        Event.PART_BODY: State.BODY,
        Event.TIMEOUT: State.LINGERING,
    },
    State.READY: {
        **_TAKE,
        Event.NOTHING: State.IDLE,
        Event.PART_HEAD: State.HEAD,
        Event.PART_BODY: State.BODY,
    },
    State.WAITING: {
        Event.TURN: State.READY,
        Event.PAUSE_WRITING: State.WAITING,
        Event.RESUME_WRITING: State.WAITING,
    },
    State.DISPATCHING: {
        Event.PARKED: State.ANSWERING,
        Event.ANSWERED: State.READY,
        Event.PAUSE_WRITING: State.DISPATCHING,
        Event.RESUME_WRITING: State.DISPATCHING,
        Event.REFUSE: State.LINGERING,
    },
    State.ANSWERING: {
        Event.ANSWERED: State.READY,
        Event.ANSWERED_IDLE: State.IDLE,
        Event.PAUSE_WRITING: State.BLOCKED,
        Event.REFUSE: State.LINGERING,
        Event.TIMEOUT: State.ABORTED,
    },
    State.BLOCKED: {
        Event.ANSWERED: State.FLUSHING,
        Event.RESUME_WRITING: State.ANSWERING,
        Event.REFUSE: State.LINGERING,
        Event.TIMEOUT: State.ABORTED,
    },
    State.FLUSHING: {
        Event.RESUME_WRITING: State.READY,
        Event.TIMEOUT: State.ABORTED,
    },
    State.LINGERING: {Event.TIMEOUT: State.ABORTED},
    State.CLOSING: {Event.TIMEOUT: State.ABORTED},
    State.ABORTED: {},
    State.CLOSED: {},
}
_ENDING = (State.LINGERING, State.CLOSING, State.ABORTED, State.CLOSED)
"""The states in which no further request is handled."""


def _row(state: State) -> dict[Event, State]:
    ends = {
        Event.CLOSE: State.CLOSING,
        Event.ABORT: State.ABORTED,
        Event.LOSE: State.CLOSED,
    }
    known = {event: after for event, after in ends.items() if after > state}
    ignored = dict.fromkeys(Event, state) if state in _ENDING else {}
    return {**ignored, **known, **_LIVING[state]}


TRANSITIONS: Final[dict[State, dict[Event, State]]] = {state: _row(state) for state in State}

DEADLINES: dict[State, str] = {
    State.IDLE: "idle",
    State.HEAD: "header",
    State.BODY: "body",
    State.BLOCKED: "write",
    State.FLUSHING: "write",
    State.LINGERING: "linger",
}
"""Which of the ``Timeouts`` applies in a state. The other states have no deadline, with two exceptions:
ANSWERING gets one when the browser has sent its last byte, and CLOSING when bytes are left to be written."""


def advance(state: State, event: Event) -> State:
    """Return the state after ``event``.

    Raises:
        IllegalTransition: the table has no such event in this state.
    """
    try:
        return TRANSITIONS[state][event]
    except KeyError:
        raise IllegalTransition(f"{event.name} while {state.name}") from None


class TimedState:
    """A state as connections use it: one look-up for an event gives the next state with its time-out.

    Args:
        state: the state.
        seconds: how long it may last; None if it has no deadline.

    ``after`` has the state after each event that this one allows.
    """

    __slots__ = ("after", "seconds", "state")

    def __init__(self, state: State, seconds: float | None) -> None:
        self.state = state
        self.seconds = seconds
        self.after: dict[Event, TimedState] = {}


def timed_states(seconds_of: Callable[[str], float]) -> dict[State, TimedState]:
    """Return the table of transitions as timed states that refer to one another.

    Args:
        seconds_of: returns the seconds of a time-out of ``DEADLINES``.
    """
    made = {state: TimedState(state, None) for state in State}
    for state, name in DEADLINES.items():
        made[state].seconds = seconds_of(name)
    for state, row in TRANSITIONS.items():
        made[state].after = {event: made[after] for event, after in row.items()}
    return made
