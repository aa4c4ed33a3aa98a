"""The states of a client, every transition in one table."""

from __future__ import annotations

import enum

from thywill.errors import Gone


class State(enum.Enum):
    """Where a client is. The values are the words that records and the operator see."""

    DETACHED = "detached"  # its browser has no request here, but may come back; every client begins so
    CONNECTED = "connected"  # its browser has a request here, or had one a moment ago
    GONE = "gone"  # it left, was disconnected, or its grace time passed; final


class Event(enum.Enum):
    """What happens to a client."""

    ATTACH = "attach"  # a poll or a stream arrived
    MISS = "miss"  # none has arrived for longer than the network's usual pause
    EXPIRE = "expire"  # none arrived within the grace time
    LEAVE = "leave"  # its browser said that it goes
    EVICT = "evict"  # the application or the queue's overflow disconnected it


TRANSITIONS: dict[tuple[State, Event], State] = {
    (State.DETACHED, Event.ATTACH): State.CONNECTED,
    (State.DETACHED, Event.EXPIRE): State.GONE,
    (State.DETACHED, Event.LEAVE): State.GONE,
    (State.DETACHED, Event.EVICT): State.GONE,
    (State.CONNECTED, Event.ATTACH): State.CONNECTED,
    (State.CONNECTED, Event.MISS): State.DETACHED,
    (State.CONNECTED, Event.LEAVE): State.GONE,
    (State.CONNECTED, Event.EVICT): State.GONE,
}


class IllegalTransition(Exception):
    """The engine fed an event that the state does not know: our own fault, never the browser's."""


def advance(state: State, event: Event) -> State:
    """Return the state after ``event``.

    Raises:
        Gone: the client is gone; nothing brings it back.
        IllegalTransition: the table has no such row.
    """
    if state is State.GONE:
        raise Gone("this client is gone")
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(f"{event.name} while {state.name}") from None
