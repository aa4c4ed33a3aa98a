"""Runs the methods with ``@every``: on time, one call after another, until they are stopped."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable

from thywill.application import Application
from thywill.core.histogram import Histogram
from thywill.core.measures import Measures

log = logging.getLogger(__name__)


class Ticker:
    """Calls one method every so many seconds.

    Args:
        name: the application's and the method's name, for the log.
        seconds: the time from one call to the next.
        tick: the method.
        late: the histogram of how late the calls come, in seconds.
        before: called before each call.
    """

    def __init__(
        self,
        name: str,
        seconds: float,
        tick: Callable[[], Awaitable[None]],
        late: Histogram,
        before: Callable[[], None],
    ) -> None:
        self.name = name
        self._late = late
        self._before = before
        self._seconds = seconds
        self._tick = tick
        self._is_in_call = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Make the first call after ``seconds``. If the ticker has started already, nothing happens."""
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=self.name)

    def stop(self) -> asyncio.Task[None] | None:
        """Begin no other call; return the task of the call that is under way, or None if there is none."""
        task, self._task = self._task, None
        if task is not None and not self._is_in_call:
            task.cancel()
        return task if self._is_in_call else None

    async def _run(self) -> None:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        due = loop.time() + self._seconds
        while self._task is task:
            await asyncio.sleep(due - loop.time())
            self._late.observe(max(loop.time() - due, 0.0))
            self._is_in_call = True
            self._before()
            try:
                await self._call()
            finally:
                self._is_in_call = False
            due = next_due(due, self._seconds, loop.time())

    async def _call(self) -> None:
        try:
            await self._tick()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            log.exception("%s was cancelled by something that it waited for", self.name)
        except Exception:
            log.exception("%s failed; it is called again all the same", self.name)


def next_due(due: float, seconds: float, now: float) -> float:
    """Return when the next call is due.

    Args:
        due: when the last call was due.
        seconds: the time from one call to the next.
        now: the time; the result is not before it, and a multiple of ``seconds`` after ``due``.
    """
    return due + seconds * max(math.ceil((now - due) / seconds), 1)


class Tickers:
    """The tickers of all applications, and how late the calls of each application came.

    Args:
        before: called before each call.
    """

    def __init__(self, before: Callable[[], None]) -> None:
        self._before = before
        self._tickers: dict[tuple[str, str], Ticker] = {}
        self._late: defaultdict[str, Histogram] = defaultdict(Histogram)

    def start(self, name: str, application: Application) -> None:
        """Start the tickers of an application, in place of those of an earlier object of this application.

        Args:
            name: the application's name.
            application: the object whose methods are called.
        """
        for method, seconds in application._handlers.tickers.items():
            tick, late = getattr(application, method), self._late[name]
            ticker = Ticker(f"{name}.{method}", seconds, tick, late, self._before)
            self._tickers[name, method] = ticker
            ticker.start()

    def stop(self, name: str | None = None) -> dict[str, asyncio.Task[None]]:
        """Stop the tickers of one application, or all of them; return the calls under way, by name."""
        stopped = {
            ticker.name: ticker.stop() for (of, _), ticker in self._tickers.items() if name in (None, of)
        }
        return {each: task for each, task in stopped.items() if task is not None}

    def measure(self, measures: Measures, names: Iterable[str]) -> None:
        """Add to ``measures`` how late the tickers of the applications ``names`` were."""
        text = "How late the methods with @every were called, in seconds."
        for name in names:
            measures.histogram("thywill_every_late_seconds", text, self._late[name], application=name)
