"""The states of a SockJS session: every transition, and what is done at it, in one table.

A session lasts from the open frame ``o`` to the close frame ``c[...]``, over many requests: a page on the
transport ``xhr`` asks again after each frame, a page on a stream after 128 KB. So at any moment a session has
a request that waits for frames, or none. Either the request can carry a frame now, or its browser has to read
earlier bytes first.

In this example a page uses ``xhr_streaming``, and the server stops a minute later:

===========  ===========  ==============================================================================
event        state after  what is done
===========  ===========  ==============================================================================
``JOIN``     WAITING      the first request: ``OPEN`` writes ``o``
``BLOCK``    BLOCKED      the buffers on the way are full: messages stay in the client's queue
``READ``     WAITING      the browser has read: ``FLUSH`` writes what has come up meanwhile
``RELEASE``  AWAY         128 KB are written, the answer ends: ``AWAIT`` sets the deadline for the next one
``JOIN``     WAITING      the page has asked again: ``FLUSH``
``DUE``      WAITING      ``hold`` seconds have passed: ``HEARTBEAT`` writes ``h``
``END``      ENDED        ``SAY_END`` writes the last message and the close frame; the answer ends
``JOIN``     ENDED        the page asks once more: ``REPEAT_END``
``DUE``      FORGOTTEN    ``pause`` seconds have passed: ``FORGET``
===========  ===========  ==============================================================================

SockJS has no acknowledgements and no retries, so when a connection breaks, the server does not know which
frames have arrived: ``BREAK`` ends the session (the protocol's rule). Messages that the page has not
acknowledged are still in the client's outbox, and its next session goes on after the page's cursor.
"""

from __future__ import annotations

import enum


class SessionState(enum.Enum):
    """The state of a session."""

    NEW = "new"  # no request has come yet
    WAITING = "waiting"  # a request is here and can carry a frame
    BLOCKED = "blocked"  # a request is here, but its browser has to read first
    AWAY = "away"  # no request is here; the browser has ``pause`` seconds to come back
    ENDED = "ended"  # it has ended; later requests are answered with the reason
    FORGOTTEN = "forgotten"  # its time has passed; its name may be used for another session


class SessionEvent(enum.Enum):
    """What happens to a session."""

    JOIN = "join"  # a request asks for frames
    BLOCK = "block"  # the browser has to read before more can be written
    READ = "read"  # the browser has read enough for more to be written
    RELEASE = "release"  # the request is answered
    BREAK = "break"  # the connection of the request broke
    END = "end"  # the server ends the session
    DUE = "due"  # its deadline has passed


class SessionAction(enum.Enum):
    """What a session does at a transition."""

    NOTHING = "nothing"
    OPEN = "open"  # write the open frame, then what waits
    FLUSH = "flush"  # write what waits
    REFUSE = "refuse"  # answer a second request with the error that the session has one already
    HEARTBEAT = "heartbeat"  # write a heartbeat if the request can carry it, and set the next deadline
    AWAIT = "await"  # set the deadline by which a request has to come
    SAY_END = "say end"  # write the last message and the close frame, and end the request
    REPEAT_END = "repeat end"  # answer a request that came after the end with the reason
    INTERRUPT = "interrupt"  # end, since some frames may be lost; later requests get "Connection interrupted"
    FORGET = "forget"  # forget the session, and end it first if it has not ended


_S, _E, _A = SessionState, SessionEvent, SessionAction

TRANSITIONS: dict[tuple[SessionState, SessionEvent], tuple[SessionState, SessionAction]] = {
    (_S.NEW, _E.JOIN): (_S.WAITING, _A.OPEN),
    (_S.WAITING, _E.JOIN): (_S.WAITING, _A.REFUSE),
    (_S.WAITING, _E.BLOCK): (_S.BLOCKED, _A.NOTHING),
    (_S.WAITING, _E.RELEASE): (_S.AWAY, _A.AWAIT),
    (_S.WAITING, _E.BREAK): (_S.ENDED, _A.INTERRUPT),
    (_S.WAITING, _E.END): (_S.ENDED, _A.SAY_END),
    (_S.WAITING, _E.DUE): (_S.WAITING, _A.HEARTBEAT),
    (_S.BLOCKED, _E.JOIN): (_S.BLOCKED, _A.REFUSE),
    (_S.BLOCKED, _E.BLOCK): (_S.BLOCKED, _A.NOTHING),
    (_S.BLOCKED, _E.READ): (_S.WAITING, _A.FLUSH),
    (_S.BLOCKED, _E.RELEASE): (_S.AWAY, _A.AWAIT),
    (_S.BLOCKED, _E.BREAK): (_S.ENDED, _A.INTERRUPT),
    (_S.BLOCKED, _E.END): (_S.ENDED, _A.SAY_END),
    (_S.BLOCKED, _E.DUE): (_S.BLOCKED, _A.HEARTBEAT),
    (_S.AWAY, _E.JOIN): (_S.WAITING, _A.FLUSH),
    (_S.AWAY, _E.END): (_S.ENDED, _A.AWAIT),
    (_S.AWAY, _E.DUE): (_S.FORGOTTEN, _A.FORGET),
    (_S.ENDED, _E.JOIN): (_S.ENDED, _A.REPEAT_END),
    (_S.ENDED, _E.END): (_S.ENDED, _A.NOTHING),
    (_S.ENDED, _E.DUE): (_S.FORGOTTEN, _A.FORGET),
}
"""Only a bug of ours can cause a pair that is missing here: ``advance`` raises, and the state stays."""


class IllegalSessionEvent(Exception):
    """A session got an event that its state does not have: a bug of ours, never the browser's fault."""


def advance(state: SessionState, event: SessionEvent) -> tuple[SessionState, SessionAction]:
    """Return the state after ``event``, and what is done.

    Raises:
        IllegalSessionEvent: the table has no such row.
    """
    try:
        return TRANSITIONS[state, event]
    except KeyError:
        raise IllegalSessionEvent(f"{event.name} while {state.name}") from None
