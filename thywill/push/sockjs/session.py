"""A SockJS session: what lives from the open frame to the close frame, over many requests."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from thywill.core.wheel import Timed
from thywill.push.sockjs import frames
from thywill.push.sockjs.library import (
    CLOSED,
    CONNECTING,
    OPEN,
    BaseSession,
    SockJSConnection,
)

if TYPE_CHECKING:
    from thywill.push.sockjs.router import Router

log = logging.getLogger(__name__)

QUEUE_LIMIT = 1024 * 1024
"""Bytes of messages that may wait for a browser to fetch them; a connection that has a queue of its own
(``on_writable``) leaves nothing here."""


class Connection(SockJSConnection):  # type: ignore[misc]
    """Whoever speaks over a session; ``on_open``, ``on_message`` and ``on_close`` are sockjs-tornado's.

    Nothing that a browser sends may make one of them raise.
    """

    __slots__ = ("session",)

    session: Session

    def on_attach(self, address: str, transport: str) -> None:
        """A request of the browser waits for frames."""

    def on_writable(self) -> None:
        """That request takes more: ``session.write`` what there is."""

    def on_heartbeat(self) -> None:
        """A heartbeat is due."""

    def on_drain(self) -> None:
        """The server stops."""


class Session(BaseSession, Timed):  # type: ignore[misc]
    """One session, with or without a request that waits for its frames.

    Its deadline is in the router's wheel: the next heartbeat while a request is here, else the session's end.
    """

    # With the names of what sockjs-tornado's class keeps, so that no session has a dict: there are thousands.
    __slots__ = (
        "_expiry",
        "_heartbeat",
        "_held",
        "_queued",
        "close_reason",
        "conn",
        "conn_info",
        "handler",
        "send_expects_json",
        "send_queue",
        "server",
        "session_id",
        "state",
        "stats",
        "transport_name",
    )

    handler: Any
    conn: Connection | None

    def __init__(self, connection: Any, router: Router, session_id: str, expiry: float) -> None:
        Timed.__init__(self)
        BaseSession.__init__(self, connection, router)
        self.session_id = session_id
        self.send_queue: list[bytes] = []
        self._queued = 0
        self._held = False
        self._expiry = expiry
        self._heartbeat = router.settings["heartbeat_delay"]

    # What a request calls (the names are sockjs-tornado's).

    def set_handler(self, handler: Any, start_heartbeat: bool = True) -> bool:
        """Let ``handler`` wait for frames, or refuse it with a close frame and return False."""
        if self.handler is not None:
            handler.send_pack(frames.close(2010, "Another connection still open"))
            return False
        if self.is_closed and not self.send_queue:
            handler.send_pack(frames.close(*self.get_close_reason()))
            return False
        first = getattr(self, "transport_name", handler.name)
        super().set_handler(handler)
        self.transport_name = first  # what the router's statistics count it by
        self.server.schedule(self, self._heartbeat)
        if self.conn is not None:
            self.conn.on_attach(handler.address, handler.name)
        return True

    def verify_state(self) -> None:
        """Open the session at its first request, and give this one what waits."""
        if self.state == CONNECTING:
            self.handler.send_pack(frames.OPEN)
        super().verify_state()
        self.flush()

    def remove_handler(self, handler: Any) -> None:
        """``handler`` is answered: the browser has a while to come back."""
        super().remove_handler(handler)
        self.server.schedule(self, self._expiry)

    def interrupt(self) -> None:
        """The connection broke off, and nobody knows what arrived: the session ends (the protocol's rule)."""
        self.send_queue.clear()
        self.close(1002, "Connection interrupted")

    def on_messages(self, messages: list[str]) -> None:
        """The browser has sent ``messages``; what they are answered goes out together."""
        self._held = True
        try:
            for message in messages:
                if self.state == OPEN and self.conn is not None:
                    self.conn.on_message(message)
        finally:
            self._held = False
        self.flush()

    # What the connection calls.

    def send_message(self, msg: Any, stats: bool = True, binary: bool = False) -> None:
        """Send a text, at once or with the next request."""
        self.send_jsonified(frames.quote(msg if isinstance(msg, bytes) else msg.encode()))

    def send_jsonified(self, msg: Any, stats: bool = True) -> None:
        """Send a text that is a JSON string already."""
        self.send_queue.append(msg if isinstance(msg, bytes) else msg.encode())
        self._queued += len(self.send_queue[-1])
        if self._queued > QUEUE_LIMIT and not (self.handler and self.handler.active):
            self.send_queue.clear()
            self.close(1008, "the browser does not fetch its messages")
        self.flush()

    def is_writable(self) -> bool:
        """Tell whether a request is here that takes a frame."""
        return self.handler is not None and self.handler.active and not self._held

    def write(self, frame: bytes) -> None:
        """Send a frame, while ``is_writable``."""
        self.handler.send_pack(frame)

    def flush(self) -> None:
        """Write what waits, as far as the request that is here takes it."""
        if self.send_queue and self.is_writable():
            waiting, self.send_queue, self._queued = self.send_queue, [], 0
            self.write(frames.messages(waiting))
        if not self.is_writable():
            return
        if self.conn is not None:
            self.conn.on_writable()
        elif self.state == CLOSED:
            self._write_end()

    def _write_end(self) -> None:
        self.write(frames.close(*self.get_close_reason()))
        if self.handler is not None:
            self.handler.session_closed()

    def close(self, code: int = 3000, message: str = "Go away!") -> None:
        """End the session; whoever asks for it within its time is told the reason."""
        connection, self.conn = self.conn, None
        if connection is None:
            return
        self.state = CLOSED
        self.close_reason = (code, message)
        self.stats.on_sess_closed(self.transport_name)
        connection.on_close()
        self.flush()
        if self.handler is None:
            self.server.schedule(self, self._expiry)

    # What the router calls.

    def overdue(self) -> None:
        """The deadline has passed."""
        if self.handler is None:
            self.close(1002, "Connection interrupted")
            self.server.forget(self)
            return
        if self.conn is not None:
            self.conn.on_heartbeat()
        if self.is_writable():
            self.handler.send_pack(frames.HEARTBEAT)
        if self.handler is not None:
            self.server.schedule(self, self._heartbeat)
