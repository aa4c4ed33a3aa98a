"""The life of a client: its states, the events, and every transition in one table.

A client is a page, not a connection. Between two polls it has no connection at all, and it survives a lost
network for the grace time. An example, with a pause of 5 s and a grace time of 60 s:

     0 s   created by a connect request              DETACHED
     0 s   ATTACH: the page polls                    CONNECTED
    30 s   the poll's connection breaks              CONNECTED
    35 s   MISS: no poll for 5 s                     DETACHED    the application notices nothing
    50 s   ATTACH: the network is back               CONNECTED   messages sent meanwhile are delivered
    70 s   LEAVE: the user closes the page           GONE

Without the poll at 50 s, EXPIRE would have made it GONE at 90 s. GONE is final: a page that comes later is
answered 410 and has to connect as a new client.
"""

from __future__ import annotations

import enum

from thywill.errors import Gone


class State(enum.Enum):
    """The state of a client. The database and the status page have the values."""

    DETACHED = "detached"  # no request of its browser is here, but the browser may come back; the first state
    CONNECTED = "connected"  # a request of its browser is here, or was a moment ago
    GONE = "gone"  # the client left, was disconnected, or its grace time has passed; the last state


class Event(enum.Enum):
    """What happens to a client."""

    ATTACH = "attach"  # a poll or a stream arrived
    MISS = "miss"  # no request has arrived for longer than the usual pause between two polls
    EXPIRE = "expire"  # no request arrived within the grace time
    LEAVE = "leave"  # the browser said that its page closes
    EVICT = "evict"  # the server ended the client: an application, an operator, or an overflow did


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
    """The server used an event that the state does not allow: a bug of ours, never a browser's fault."""


def advance(state: State, event: Event) -> State:
    """Return the state after ``event``.

    Raises:
        Gone: the client is already gone.
        IllegalTransition: the table has no row for this state and event.
    """
    if state is State.GONE:
        raise Gone("this client is gone")
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalTransition(f"{event.name} while {state.name}") from None
