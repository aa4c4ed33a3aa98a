"""Runs one application for a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Generic, TypeVar

from thywill.application import Application
from thywill.core.user import Identity, User, Visitor
from thywill.server import Engine
from thywill.testing.clock import Clock
from thywill.testing.engine import make_test_engine
from thywill.testing.page import THREADS_TIMEOUT, BrowserPage

A = TypeVar("A", bound=Application)

TICK = 0.5
"""Seconds between two checks of the hub's deadlines, as in a server."""
STOP_TIMEOUT = 0.1
"""Real seconds that a stop waits for threads each time before it moves the clock on."""


class RunningApplication(Generic[A]):
    """One application that runs for a test; ``run`` makes it.

    ``application`` is the object of the tested class.
    """

    def __init__(self, application: A, engine: Engine, clock: Clock) -> None:
        self.application = application
        self._engine = engine
        self._clock = clock
        self._sessions = count(1)

    async def connect(
        self,
        *,
        session: str | None = None,
        user: User | None = None,
        address: str = "127.0.0.1",
        user_agent: str = "a test",
        cookies: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
    ) -> BrowserPage:
        """Open a page, and let the application handle that.

        Args:
            session: the session of another page, for a second page in the same browser; by default the page
                is the first one in a new browser.
            user: the user that a ticket names.
            address: the network address of the browser.
            user_agent: the name of the browser.
            cookies, query: the cookies and the query of the address, as ``authenticate`` gets them.

        Raises:
            Refused: ``authenticate`` has refused the visitor.
            AssertionError: ``authenticate`` does not end at this time.
        """
        headers = {"cookie": "; ".join(f"{key}={value}" for key, value in (cookies or {}).items())}
        visitor = Visitor(self.application.name, address, headers, query or {}, user)
        identity = Identity(await self._authenticate(visitor))
        session = session or f"session {next(self._sessions)}"
        live = self._engine.hub.create(self.application.name, session, address, identity)
        live.user_agent = user_agent
        page = BrowserPage(self._engine.hub, live, self.application.handle(live), self._clock)
        page.poll(0)
        await self._clock.settle()
        return page

    async def _authenticate(self, visitor: Visitor) -> User | None:
        asking = asyncio.ensure_future(self._engine.applications.authenticate(visitor))
        if not await self._clock.wait(asking.done, THREADS_TIMEOUT):
            asking.cancel()
            raise AssertionError("authenticate does not answer at this time")
        return asking.result()

    async def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass, for ``@every``, ``asyncio.sleep``, limits and deadlines of clients."""
        await self._clock.advance(seconds)

    async def settle(self) -> None:
        """Let the application do everything that needs no time to pass."""
        await self._clock.settle()

    async def tick(self) -> None:
        """Let the hub check its deadlines, as a server does, until this task is cancelled."""
        while True:
            await asyncio.sleep(TICK)
            self._engine.leases.tick()


@asynccontextmanager
async def run(kind: type[A], *arguments: Any) -> AsyncIterator[RunningApplication[A]]:
    """Run an application for a test, from ``on_start`` to ``on_stop``.

    Args:
        kind: the class of the application.
        arguments: the arguments of its constructor.

    Raises:
        SettingsError: the application cannot start.
        TypeError: the event loop is not one of asyncio's own.
    """
    clock = Clock(asyncio.get_running_loop())
    engine = make_test_engine(kind, arguments, clock.now)
    clock.hold()
    try:
        await engine.applications.start()
        engine.leases.resume()
        applications: Any = engine.applications
        (name,) = applications.pages()
        running = RunningApplication[A](applications.application(name), engine, clock)
        ticking = asyncio.ensure_future(running.tick())
        try:
            yield running
        finally:
            ticking.cancel()
            await _stop(engine, clock)
    finally:
        await clock.release()


async def _stop(engine: Engine, clock: Clock) -> None:
    """Stop the application; time passes only while its hooks do not end."""
    stopping = asyncio.ensure_future(engine.applications.stop())
    while not await clock.wait(stopping.done, STOP_TIMEOUT):
        await clock.advance(TICK)
    await stopping
