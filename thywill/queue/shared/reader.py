"""The reader of the log: every server reads the log of all applications once, and applies it in order.

It remembers the entries of the last minute, within a limit of bytes, so that the outbox of a client that
comes from another server can be rebuilt without the store. An example with one application:

    position 40                 the server has started; the log's last id was 40
    read 41, 42                 applied and remembered; position 42
    a client with cursor 41     its outbox is rebuilt from the remembered entries after 41
    a client with cursor 30     only entries after 40 are remembered, so 31 to 42 are read from the store
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from itertools import takewhile

from thywill.core.measures import Measures
from thywill.queue.shared.base import SharedStore, StoreUnavailable
from thywill.queue.shared.rows import LogEntry, Posted
from thywill.queue.shared.tasks import begin, end

log = logging.getLogger(__name__)

REMEMBERED = 60.0
"""Seconds for which entries are remembered."""
SIZE = 64 * 1024 * 1024
"""How many bytes of messages are remembered."""
BLOCK = 2.0
"""The most seconds for which one read waits."""
RETRY = 0.5
"""Seconds until the next read after one that failed."""
MAX_WAIT = 2.0
"""The most seconds for which ``read_newest`` waits; a server that needs longer counts as so far behind."""


class _Recent:
    """The last entries of one log: all entries after the id ``begins``.

    Args:
        begins: the present last id of the log.
        limit: how many bytes their messages may have.
    """

    __slots__ = ("_read", "begins", "entries", "limit", "size")

    def __init__(self, begins: int, limit: int) -> None:
        self.begins = begins
        self.limit = limit
        self.size = 0
        self.entries: deque[LogEntry] = deque()
        # When entries were read, and the last id of those that were read together.
        self._read: deque[tuple[float, int]] = deque()

    def add(self, entry: LogEntry, now: float) -> None:
        self.entries.append(entry)
        self.size += _size(entry)
        if self._read and self._read[-1][0] == now:
            self._read.pop()
        self._read.append((now, entry.id))
        while self.size > self.limit:
            self._drop_oldest()

    def forget(self, now: float) -> None:
        """Forget the entries that are too old."""
        while self._read and self._read[0][0] < now - REMEMBERED:
            last = self._read.popleft()[1]
            while self.entries and self.entries[0].id <= last:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        oldest = self.entries.popleft()
        self.begins = oldest.id
        self.size -= _size(oldest)

    def after(self, position: int) -> list[LogEntry] | None:
        if position < self.begins:
            return None
        found = takewhile(lambda entry: entry.id > position, reversed(self.entries))
        return [*found][::-1]


def _size(entry: LogEntry) -> int:
    return len(entry.message.data) if isinstance(entry, Posted) else 0


class LogReader:
    """Reads the logs of all applications, and applies each entry once.

    Args:
        store: the store.
        applications: the applications whose logs are read.
        apply: called with each entry, in the order of the ids of an application.
        monotonic: the clock.
        retry: seconds until the next read after one that failed.
        size: how many bytes of messages are remembered for each application.
    """

    def __init__(
        self,
        store: SharedStore,
        applications: Iterable[str],
        apply: Callable[[LogEntry], None],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        retry: float = RETRY,
        size: int = SIZE,
    ) -> None:
        self._store = store
        self._applications = list(applications)
        self._apply = apply
        self._monotonic = monotonic
        self._retry = retry
        self._size = size
        self._recent: dict[str, _Recent] = {}
        self._waiting: list[tuple[str, int, asyncio.Future[None]]] = []
        self._task: asyncio.Task[None] | None = None
        self._read_at = monotonic()
        self.positions: dict[str, int] = {}
        self.behind = 0.0

    async def start(self) -> None:
        """Begin at the present end of each log.

        Raises:
            StoreUnavailable: the store cannot be reached.
        """
        for application in self._applications:
            self.positions[application] = last = await self._store.last(application)
            self._recent[application] = _Recent(last, self._size)
        self._task = begin(self._keep_reading())

    async def stop(self) -> None:
        """Stop reading."""
        if self._task is not None:
            await end([self._task])

    @property
    def age(self) -> float:
        """Seconds since the last successful read; up to ``BLOCK`` while nothing happens."""
        return self._monotonic() - self._read_at

    def measure(self, measures: Measures) -> None:
        """Add the metrics of how far this server is behind."""
        text = "Seconds since the log of the shared queue was read; up to 2 while nothing happens."
        measures.gauge("thywill_shared_log_age_seconds", text, self.age)
        text = "Seconds that the newest entries of the log took to get here when it was looked at last."
        measures.gauge("thywill_shared_log_behind_seconds", text, self.behind)

    async def read_newest(self) -> None:
        """Set ``behind``: how many seconds it takes until the present entries of the logs are applied here.

        Raises:
            StoreUnavailable: the store cannot be reached.
        """
        lasts = [(application, await self._store.last(application)) for application in self._applications]
        begun = self._monotonic()
        try:
            async with asyncio.timeout(MAX_WAIT):
                for application, last in lasts:
                    await self.wait_until_read(application, last)
        except TimeoutError:
            log.debug("the newest entries of the log have not arrived within %g s", MAX_WAIT)
        self.behind = self._monotonic() - begun

    def after(self, application: str, position: int) -> list[LogEntry] | None:
        """Return the applied entries after ``position``; None if not all of them are remembered."""
        return self._recent[application].after(position)

    async def wait_until_read(self, application: str, position: int) -> None:
        """Wait until the entries up to ``position`` are applied."""
        if self.positions[application] < position:
            reached: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append((application, position, reached))
            await reached

    async def _keep_reading(self) -> None:
        failing = False
        while True:
            try:
                entries = await self._store.read_log(self.positions, BLOCK)
            except StoreUnavailable as error:
                if not failing:
                    log.warning("the log of the shared store cannot be read: %s", error)
                failing = True
                await asyncio.sleep(self._retry)
                continue
            if failing:
                log.warning("the log of the shared store is read again")
            failing, self._read_at = False, self._monotonic()
            for entry in entries:
                self._take(entry)
            for recent in self._recent.values():
                recent.forget(self._read_at)
            self._wake()
            if entries:
                await asyncio.sleep(0)

    def _take(self, entry: LogEntry) -> None:
        if entry.id <= self.positions[entry.application]:
            return
        self.positions[entry.application] = entry.id
        self._recent[entry.application].add(entry, self._read_at)
        try:
            self._apply(entry)
        except Exception:
            log.exception("the entry %d of %s could not be applied", entry.id, entry.application)

    def _wake(self) -> None:
        left = []
        for application, position, reached in self._waiting:
            if self.positions[application] < position:
                left.append((application, position, reached))
            elif not reached.done():
                reached.set_result(None)
        self._waiting = left
