"""The requests that wait for frames: an answer for each frame (``Poll``), or one for many (``Stream``).

They are what sockjs-tornado's session takes for handlers, and stand for its transports, without a handler, a
header object and a dozen calls for each request and each frame.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from thywill.http.message import Reply
from thywill.push.sockjs.library import ConnectionInfo
from thywill.push.sockjs.transports import Wrap

if TYPE_CHECKING:
    from thywill.push.sockjs.session import Session

NOTHING: Any = MappingProxyType({})


class Waiting:
    """A request that waits for frames; ``active`` says whether it takes one now.

    Args:
        name: the transport's.
        address: where the browser is.
        reply: its answer.
        wrap: makes of a frame what the transport carries.
    """

    __slots__ = ("_reply", "_wrap", "active", "address", "name", "session")

    def __init__(self, name: str, address: str, reply: Reply, wrap: Wrap) -> None:
        self.active = True
        self.name = name
        self.address = address
        self.session: Session | None = None
        self._reply = reply
        self._wrap = wrap

    def join(self, session: Session) -> bool:
        """Wait for the frames of ``session``; return False where it refuses, which the browser is told."""
        if not session.set_handler(self):
            return False
        self.session = session
        session.verify_state()
        return True

    def get_conn_info(self) -> ConnectionInfo:
        """Return what a connection is told at its opening; of the request nothing else is kept."""
        return ConnectionInfo(self.address, NOTHING, NOTHING, NOTHING, "")

    def closed(self) -> None:
        """The browser has gone."""
        self.active = False
        session = self._detach()
        if session is not None:
            session.interrupt()

    def _detach(self) -> Session | None:
        session, self.session = self.session, None
        if session is not None:
            session.remove_handler(self)
        return session


class Poll(Waiting):
    """A request that is answered with one frame.

    Args:
        head: the header lines of the answer.
    """

    __slots__ = ("_head",)

    def __init__(self, name: str, address: str, reply: Reply, wrap: Wrap, head: bytes) -> None:
        super().__init__(name, address, reply, wrap)
        self._head = head
        reply.owner = self

    def send_pack(self, message: bytes, binary: bool = False) -> None:
        """Answer with a frame."""
        self.active = False
        self._detach()
        self._reply.send(200, self._wrap(message), self._head)

    def session_closed(self) -> None:
        """The session has ended, and this request has been told."""


class Stream(Waiting):
    """A request that is answered with frame after frame, until its answer is long enough.

    Args:
        limit: bytes of frames after which it ends.
    """

    __slots__ = ("_left",)

    def __init__(self, name: str, address: str, reply: Reply, wrap: Wrap, limit: int) -> None:
        super().__init__(name, address, reply, wrap)
        self._left = limit

    def begin(self, head: bytes, prelude: bytes) -> None:
        """Begin the answer."""
        self.active = self._reply.begin(200, head, prelude, self)

    def join(self, session: Session) -> bool:
        if super().join(session):
            return True
        self._reply.end()
        return False

    def send_pack(self, message: bytes, binary: bool = False) -> None:
        """Write a frame."""
        chunk = self._wrap(message)
        self._left -= len(chunk)
        if not self._reply.write(chunk):
            self.active = False
        elif self._left <= 0 and self.session is not None:
            self.session_closed()

    def writable(self) -> None:
        """The browser has read enough to be sent more."""
        self.active = True
        if self.session is None:
            return
        if self._left <= 0:
            self.session_closed()
        else:
            self.session.flush()

    def session_closed(self) -> None:
        """Nothing more comes on this request."""
        self._detach()
        self._reply.end()
