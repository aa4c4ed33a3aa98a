"""The addresses of one SockJS service, and its sessions."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from tornado.ioloop import IOLoop
from tornado.web import Application

from thywill.core.wheel import TimerWheel
from thywill.errors import TooMany
from thywill.push.sockjs.endpoints import KINDS, Endpoints
from thywill.push.sockjs.handlers import AroundGet, AroundPost, Frame, Greeting, Info, Missing
from thywill.push.sockjs.library import SockJSRouter
from thywill.push.sockjs.session import Connection, Session
from thywill.wire.origins import ORIGIN, Origins

SESSIONS = 100_000
"""How many sessions there may be: anyone can begin one, and it stays for a while."""
TICK = 0.5
SLICE = 200
"""How many sessions are handled in one turn of the loop, as in the hub."""

PAGES = {"/?": Greeting, "/info": Info, r"/iframe[0-9-.a-z_]*\.html": Frame}


class Router(SockJSRouter):  # type: ignore[misc]
    """One service.

    Args:
        connection: makes the ``Connection`` of a new session, which it is given.
        prefix: the address before all others, without a slash at its end.
        settings: those of sockjs-tornado that differ from its own.
        origins: which pages may ask.
        now, wall: the clocks: deadlines use the first.
    """

    def __init__(
        self,
        connection: Callable[[Session], Connection],
        prefix: str,
        settings: Mapping[str, Any],
        origins: Origins,
        *,
        now: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        chosen = {"disabled_transports": ["websocket"], "jsessionid": False, **settings}
        super().__init__(connection, prefix, chosen, IOLoop.current(), Session)
        # Its timers: the wheel below takes the place of one, and the other's averages nobody reads.
        self._sessions_cleanup.stop()
        self.stats._callback.stop()
        self.prefix = prefix
        self.origins = origins
        self.wall = wall
        self.sessions: dict[str, Session] = {}
        self._now = now
        self._wheel: TimerWheel[Session] = TimerWheel(TICK, now())
        self._due: list[Session] = []
        self._ticker: object | None = None
        self.find = Endpoints(self).find

    @property
    def urls(self) -> list[tuple[Any, ...]]:
        """The rules for a ``tornado.web.Application``."""
        kwargs = {"server": self}
        session = rf"{self.prefix}/[^/.]{{1,128}}/(?P<session_id>[^/.]{{1,128}})"
        rules: list[tuple[Any, ...]] = [
            (f"{session}/{kind.name}", AroundPost if kind.method == b"POST" else AroundGet, kwargs)
            for kind in KINDS.values()
        ]
        return rules + [(self.prefix + path, handler, kwargs) for path, handler in PAGES.items()]

    def rule(self) -> tuple[Any, ...]:
        """Return the one rule that covers every address of this service, those that do not exist too."""
        # An application of its own, for its answer to what is not there.
        application = Application(
            self.urls,
            default_handler_class=Missing,
            default_handler_args={"server": self},
            log_function=lambda handler: None,
        )
        return (rf"{self.prefix}(?:/.*)?", application)

    def admit(self, origin: str | None, referer: str, host: bytes) -> bool:
        """Tell whether the page that asks is of another origin, as far as its browser says where it is from.

        Raises:
            BadOrigin: it is, and is not allowed.
        """
        if origin is None:
            page = ORIGIN.match(referer)
            origin = page[0] if page else None
        return origin is not None and self.origins.check(origin, host)

    # Sessions.

    def check_room(self, session_id: str) -> None:
        """Refuse a new session where there are too many.

        Raises:
            TooMany: there are.
        """
        if session_id not in self.sessions and len(self.sessions) >= SESSIONS:
            raise TooMany("the server has as many sessions as it may have", retry=10)

    def create_session(self, session_id: str, register: bool = True) -> Session:
        """Return a new session."""
        session = Session(self._connection, self, session_id, self.settings["disconnect_delay"])
        self.sessions[session_id] = session
        return session

    def get_session(self, session_id: str) -> Session | None:
        """Return a session that has begun and is not forgotten, or None."""
        return self.sessions.get(session_id)

    def forget(self, session: Session) -> None:
        """Let go of a session whose time has passed."""
        self._wheel.cancel(session)
        if self.sessions.get(session.session_id) is session:
            del self.sessions[session.session_id]

    def schedule(self, session: Session, seconds: float) -> None:
        """Have ``session`` told after ``seconds``, instead of when it would have been before."""
        self._wheel.schedule(session, self._now() + seconds)

    def drain(self) -> None:
        """End every session that is open: the server stops."""
        for session in list(self.sessions.values()):
            if session.conn is not None:
                session.conn.on_drain()

    # Time: one timer for all sessions.

    def start(self) -> None:
        """Begin to look for sessions that are due."""
        self._ticker = self.io_loop.call_later(TICK, self._tick)

    def stop(self) -> None:
        """Stop looking."""
        if self._ticker is not None:
            self.io_loop.remove_timeout(self._ticker)

    def _tick(self) -> None:
        self.start()
        idle = not self._due
        self._due += self._wheel.advance(self._now())
        if idle and self._due:
            self._handle_due()

    def _handle_due(self) -> None:
        due, self._due = self._due[:SLICE], self._due[SLICE:]
        if self._due:
            self.io_loop.add_callback(self._handle_due)
        for session in due:
            # One that was scheduled anew while it waited here is not due any more.
            if session.slot is None:
                session.overdue()
