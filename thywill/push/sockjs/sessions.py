"""The sessions of one SockJS service, by name, and their deadlines: one timer for all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from functools import lru_cache

from thywill.core.address import share_of
from thywill.core.periods import until_next_period
from thywill.core.wheel import TimerWheel
from thywill.push.sockjs.session import Keeper, Session
from thywill.push.sockjs.shares import SessionShares

TICK = 0.5
"""Seconds between two checks of the deadlines."""
ADDRESSES = 1_000
"""How many addresses are remembered with their share."""
HANDLED_PER_TURN = 200
"""How many sessions are handled in one turn of the loop, as in the hub."""


class SessionKeeper:
    """Holds the sessions of one service.

    Args:
        make: returns a new session, given its keeper and its name.
        hold: seconds between two heartbeats.
        pause: seconds for which a session may be without a request; an ended session is remembered as long.
        shares: limits how many sessions there may be.
        now: the monotonic clock.

    ``forgotten`` is called with the name of each session that has been forgotten.
    """

    def __init__(
        self,
        make: Callable[[Keeper, str], Session],
        hold: float,
        pause: float,
        shares: SessionShares,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.hold = hold
        self.pause = pause
        self.by_name: dict[str, Session] = {}
        self.forgotten: Callable[[str], None] = lambda name: None
        self._make = make
        self._shares = shares
        # Cached, since an attacker begins session after session from one address.
        self._share_of = lru_cache(maxsize=ADDRESSES)(share_of)
        self._now = now
        self._wheel: TimerWheel[Session] = TimerWheel(TICK, now())
        self._due: list[Session] = []
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self.by_name)

    def find(self, name: str) -> Session | None:
        """Return the session called ``name``, or None. It may have ended."""
        return self.by_name.get(name)

    def open(self, name: str, address: str) -> Session:
        """Return the session called ``name``, or a new one for a browser at ``address``.

        A new session has no request, and no deadline before a request joins it.

        Raises:
            TooMany: a limit of sessions is reached.
        """
        session = self.by_name.get(name)
        if session is None:
            share = self._share_of(address)
            self._shares.begin(share)
            session = self.by_name[name] = self._make(self, name)
            session.share = share
        return session

    def show_token(self, session: Session) -> None:
        """Count the session as one that has shown a token."""
        if session.anonymous:
            session.anonymous = False
            self._shares.show_token(session.share)

    def forget(self, session: Session) -> None:
        """Forget a session; its name may be used again."""
        self._wheel.cancel(session)
        if self.by_name.get(session.name) is session:
            del self.by_name[session.name]
            self._shares.end(session.share, anonymous=session.anonymous)
            self.forgotten(session.name)

    def schedule(self, session: Session, seconds: float) -> None:
        """Call ``session.overdue`` after ``seconds``; this replaces the deadline before."""
        self._wheel.schedule(session, self._now() + seconds)

    def drain(self) -> None:
        """End every open session: the server stops."""
        for session in list(self.by_name.values()):
            if session.is_open:
                session.on_drain()

    def start(self) -> None:
        """Begin to check the deadlines; needs the running event loop."""
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(until_next_period(TICK, loop.time()), self._tick)

    def stop(self) -> None:
        """Stop checking the deadlines."""
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        self.start()
        idle = not self._due
        self._due += self._wheel.advance(self._now())
        if idle and self._due:
            self._handle_due()

    def _handle_due(self) -> None:
        due, self._due = self._due[:HANDLED_PER_TURN], self._due[HANDLED_PER_TURN:]
        if self._due:
            asyncio.get_running_loop().call_soon(self._handle_due)
        for session in due:
            # A session that was scheduled again while it waited here is not due any more.
            if session.slot is None:
                session.overdue()
