"""Finds the server that has a SockJS session, and carries notes to it, with the help of the store.

    one    claim("x7")         the store has no "x7", so server one holds it now
    two    find("x7")          the result is one
    two    send(one, note)     the note goes through the store, like the questions of operators

A server may end without releasing its names. So a server that finds a name with a dead server takes it over.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Collection, Coroutine, Sequence
from contextlib import suppress
from typing import Any

from thywill.hub.relay import Found, Relay
from thywill.queue.shared.base import SharedStore, StoreUnavailable
from thywill.queue.shared.questions import RELAYED, Note, encode_note
from thywill.queue.shared.rows import Heartbeat
from thywill.queue.shared.tasks import begin, end

log = logging.getLogger(__name__)

SECONDS = 86_400.0
"""Seconds for which the store keeps a name."""
CACHED_FOR = 2.0
"""Seconds for which the list of live servers is cached."""


SETTLING = 5.0
"""Seconds within which all live servers send a heartbeat after the store was away."""


class StoreRelay(Relay):
    """The relay of a server with a shared store, for use between ``start`` and ``stop``.

    Args:
        store: the store.
        name: returns the name of this server.
        describe: returns its heartbeat.
        alive: seconds for which a heartbeat keeps the server in the list of live servers.
        monotonic: the clock.
    """

    def __init__(
        self,
        store: SharedStore,
        name: Callable[[], str],
        describe: Callable[[], Heartbeat],
        alive: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._name = name
        self._describe = describe
        self._seconds = alive
        self._monotonic = monotonic
        self._listed_until: float | None = None
        self._listed_again = -math.inf
        self._live: frozenset[str] = frozenset()
        self._read_at = -CACHED_FOR
        self._notes: list[tuple[str, bytes]] = []
        self._wake = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._received: Callable[[str, bytes], None] = lambda server, note: None
        self._missed: Callable[[str], None] = lambda server: None

    def start(self) -> None:
        """Begin to send notes."""
        self._begin(self._keep_sending())

    async def stop(self) -> None:
        """Stop sending notes."""
        await end(self._tasks)

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = begin(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # The list of live servers.

    async def report(self) -> None:
        """Send a heartbeat to the store.

        Raises:
            StoreUnavailable: the store cannot be reached.
        """
        begun = self._monotonic()
        await self._store.heartbeat(self._describe(), self._seconds)
        if not self._is_listed(begun):
            self._listed_again = begun
        self._listed_until = begun + self._seconds

    def _is_listed(self, now: float) -> bool:
        return self._listed_until is None or now < self._listed_until

    # Names.

    def claim(self, name: str, found: Found) -> None:
        self._begin(self._report(self._claim(name), found))

    def find(self, name: str, found: Found) -> None:
        self._begin(self._report(self._find(name), found))

    async def _report(self, search: Coroutine[Any, Any, str], found: Found) -> None:
        server: str | None = None
        with suppress(StoreUnavailable):
            server = await search
        try:
            found("" if server == self._name() else server)
        except Exception:
            log.exception("a request could not go on after its server was found")

    async def _claim(self, name: str) -> str:
        if not self._is_listed(self._monotonic()):
            await self.report()  # otherwise another server would take the name from this one
        own = self._name()
        server = await self._store.take_name(name, own, SECONDS)
        if server == own or await self._is_alive(server):
            return server
        return await self._store.take_name(name, own, SECONDS, instead_of=server)

    async def _find(self, name: str) -> str:
        server = await self._store.find_name(name)
        return server if server and await self._is_alive(server) else self._name()

    async def _is_alive(self, server: str) -> bool:
        if self._monotonic() < self._listed_again + SETTLING:
            return True  # the store was away, so the list lacks servers that are alive
        return server in await self.live_servers() or server in await self._read_live_servers()

    async def live_servers(self) -> Collection[str]:
        if self._monotonic() < self._read_at + CACHED_FOR:
            return self._live
        with suppress(StoreUnavailable):
            await self._read_live_servers()
        return self._live

    async def _read_live_servers(self) -> Collection[str]:
        self._live = frozenset(each.row.name for each in await self._store.servers())
        self._read_at = self._monotonic()
        return self._live

    def renew(self, names: Sequence[str]) -> None:
        self._begin(self._renew(names))

    async def _renew(self, names: Sequence[str]) -> None:
        with suppress(StoreUnavailable):
            for name in names:
                await self._store.take_name(name, self._name(), SECONDS)

    def release(self, name: str) -> None:
        self._begin(self._release(name))

    async def _release(self, name: str) -> None:
        with suppress(StoreUnavailable):  # otherwise the store forgets the name later
            await self._store.drop_name(name, self._name())

    # Notes.

    def send(self, server: str, note: bytes) -> None:
        self._notes.append((server, encode_note(Note(RELAYED, self._name(), 0, note))))
        self._wake.set()

    async def _keep_sending(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            notes, self._notes = self._notes, []
            try:
                missed = await self._store.send(notes)
            except StoreUnavailable as error:
                log.warning("%d notes to other servers are lost: %s", len(notes), error)
                continue
            for server in missed:
                try:
                    self._missed(server)
                except Exception:
                    log.exception("what waits for the server %s could not be refused", server)

    def subscribe(self, received: Callable[[str, bytes], None], missed: Callable[[str], None]) -> None:
        self._received, self._missed = received, missed

    def received(self, server: str, note: bytes) -> None:
        """Handle a note from another server."""
        try:
            self._received(server, note)
        except Exception:
            log.exception("a note of the server %s could not be handled", server)
