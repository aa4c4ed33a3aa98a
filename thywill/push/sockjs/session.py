"""A SockJS session: it lasts from the open frame to the close frame, over many requests."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from thywill.core.native import mypyc_attr
from thywill.core.wheel import Timed
from thywill.push.sockjs import frames
from thywill.push.sockjs.frames import Intake
from thywill.push.sockjs.replies import FrameReply
from thywill.push.sockjs.states import SessionAction, SessionEvent, SessionState, advance

TAKEN = frames.close(2010, "Another connection still open")
INTERRUPTED = frames.close(1002, "Connection interrupted")


class Keeper(Protocol):
    """Holds the sessions and their deadlines."""

    hold: float
    """Seconds between two heartbeats."""

    pause: float
    """Seconds for which a session may be without a request."""

    def schedule(self, session: Session, seconds: float) -> None:
        """Call ``session.overdue`` after ``seconds``; this replaces the deadline before."""
        ...

    def show_token(self, session: Session) -> None:
        """Count the session as one that has shown a token."""
        ...

    def forget(self, session: Session) -> None:
        """Forget a session; its name may be used again."""
        ...


@mypyc_attr(allow_interpreted_subclasses=True)
class Session(Timed):
    """One session; ``thywill.push.sockjs.states`` explains its life. A subclass decides what it carries.

    ``anonymous`` says that the session has shown no token; ``share`` is the address to which it counts.

    No input from a browser may make one of the subclass's methods raise.

    Args:
        keeper: holds the session and its deadline.
        name: the name that the browser chose for it.
    """

    # Slots and no dict: there are thousands of sessions.
    __slots__ = ("_held", "_keeper", "_last", "_reply", "anonymous", "name", "share", "state")

    def __init__(self, keeper: Keeper, name: str) -> None:
        super().__init__()
        self.name = name
        self.share = ""
        self.anonymous = True
        self.state = SessionState.NEW
        self._keeper = keeper
        self._reply: FrameReply | None = None
        self._held = False
        self._last: Sequence[bytes] = ()

    # What a subclass defines.

    def on_open(self) -> None:
        """The open frame is written."""

    def on_join(self, address: str, transport: str) -> None:
        """A request from ``address`` waits for frames, by ``transport``."""

    def on_message(self, message: str) -> None:
        """The browser has sent ``message``."""

    def on_heartbeat(self) -> None:
        """A heartbeat is due."""

    def on_drain(self) -> None:
        """The server stops."""

    def on_end(self) -> None:
        """The session has ended."""

    def next_frame(self) -> bytes:
        """Return a frame with everything that waits to be written, or nothing; it is written at once."""
        return b""

    @property
    def hold(self) -> float:
        """Seconds until the next heartbeat."""
        return self._keeper.hold

    @property
    def intake(self) -> Intake:
        """How much one request from the browser may bring."""
        return frames.INTAKE

    # What the endpoints call.

    @property
    def is_open(self) -> bool:
        """Whether the session can carry messages: it has begun and has not ended."""
        return self.state in (SessionState.WAITING, SessionState.BLOCKED, SessionState.AWAY)

    def join(self, reply: FrameReply) -> None:
        """Let ``reply`` carry this session's frames, or refuse it with a close frame."""
        action = self._advance(SessionEvent.JOIN)
        if action is SessionAction.REFUSE:
            reply.finish(TAKEN)
        elif action is SessionAction.REPEAT_END:
            self._send_end(reply)
        else:
            self._attach(reply, opens=action is SessionAction.OPEN)

    def _attach(self, reply: FrameReply, *, opens: bool) -> None:
        self._reply = reply
        reply.source = self
        self._keeper.schedule(self, self.hold)
        self.on_join(reply.address, reply.transport)
        if reply.blocks:
            self._advance(SessionEvent.BLOCK)
        if opens:
            reply.write(frames.OPEN)
            self.on_open()
        self.flush()

    def receive(self, messages: Sequence[str]) -> None:
        """Handle the messages of one request; everything that they cause to be written goes in one frame."""
        self._held = True
        try:
            for message in messages:
                if self.is_open:
                    self.on_message(message)
        finally:
            self._held = False
        self.flush()

    # What the subclass calls.

    def flush(self) -> None:
        """Write what waits, if a request is here that can carry it."""
        if self.state is SessionState.WAITING and not self._held and self._reply is not None:
            frame = self.next_frame()
            if frame:
                self._reply.write(frame)

    def close(self, code: int, reason: str, last: bytes = b"") -> None:
        """End the session; nothing happens if it has ended already.

        Args:
            code: the code of the close frame.
            reason: its text, for people.
            last: a message to send before the close frame, as JSON.
        """
        action = self._advance(SessionEvent.END)
        if action is SessionAction.NOTHING:
            return
        close = frames.close(code, reason)
        self._last = (frames.messages((frames.quote(last),)), close) if last else (close,)
        self._keeper.schedule(self, self._keeper.pause)
        self.on_end()
        reply, self._reply = self._reply, None
        if action is SessionAction.SAY_END and reply is not None:
            self._send_end(reply)

    def _send_end(self, reply: FrameReply) -> None:
        # The answer to a poll has one frame, so the next poll gets the rest.
        said, self._last = self._last, self._last[-1:]
        reply.finish(*(said if reply.streams else said[:1]))

    # What the reply calls: thywill.push.sockjs.replies.Source.

    def blocked(self) -> None:
        self._advance(SessionEvent.BLOCK)

    def resumed(self) -> None:
        self._advance(SessionEvent.READ)
        self.flush()

    def released(self) -> None:
        self._advance(SessionEvent.RELEASE)
        self._reply = None
        self._keeper.schedule(self, self._keeper.pause)

    def broken(self) -> None:
        self._advance(SessionEvent.BREAK)
        self._reply = None
        self._last = (INTERRUPTED,)
        self._keeper.schedule(self, self._keeper.pause)
        self.on_end()

    # What the keeper calls.

    def overdue(self) -> None:
        """The deadline has passed: send a heartbeat, or forget the session."""
        was_open = self.is_open
        if self._advance(SessionEvent.DUE) is SessionAction.FORGET:
            if was_open:
                self.on_end()
            self._keeper.forget(self)
        else:
            self._beat()

    def _beat(self) -> None:
        self.on_heartbeat()
        if self.state is SessionState.WAITING and self._reply is not None:
            self._reply.write(frames.HEARTBEAT)
        if self._reply is not None:
            self._keeper.schedule(self, self.hold)

    def _advance(self, event: SessionEvent) -> SessionAction:
        self.state, action = advance(self.state, event)
        return action
