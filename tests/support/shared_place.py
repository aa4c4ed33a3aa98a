"""A store that servers share, in memory or in Redis, with short methods for its tests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.support.redis_servers import Redises, RedisServer
from tests.support.shared_memory import SharedMemory
from tests.support.shared_store import MemorySharedStore, heartbeat
from thywill.core.message import Address, Message
from thywill.hub.step import CONNECTED
from thywill.queue.redis.options import Safe, StoreOptions
from thywill.queue.redis.store import RedisStore
from thywill.queue.shared.base import SharedStore
from thywill.queue.shared.operations import (
    Accept,
    Append,
    Cause,
    Claim,
    Create,
    Finish,
    Greet,
    Incoming,
    Operation,
)
from thywill.queue.shared.rows import (
    ClientFacts,
    InboxEntry,
    LogEntry,
)

TEXT = "Zoë \u2028 😀 \\ ' \" %s \ud800"
FACTS = ClientFacts("session", 1.5, "127.0.0.1", f"Browser {TEXT[:-1]}")
LOBBY = Address.channel("lobby")
SECONDS = 60.0


class StorePlace:
    """One shared store, and methods by which a test acts as the server ``one``, which leads ``chat``."""

    def __init__(self, redis: RedisServer | None, prefix: str) -> None:
        self.memory = SharedMemory()
        self._redis = redis
        self._prefix = prefix
        self._opened: list[SharedStore] = []
        self.store: SharedStore
        self.fence = 0

    async def open(self, name: str, secret: str = "a digest") -> SharedStore:
        """Return the store of another server, started."""
        store = self.new()
        self._opened.append(store)
        await store.start(heartbeat(name, secret))
        return store

    def new(self) -> SharedStore:
        if self._redis is None:
            return MemorySharedStore(self.memory)
        return RedisStore(StoreOptions(self._redis.url(), self._prefix, Safe.MEMORY))

    async def begin(self) -> None:
        self.store = await self.open("one")
        self.fence = (await self.store.elect("chat", "one", SECONDS)).fence

    async def close(self) -> None:
        for store in self._opened:
            await store.stop()

    async def later(self, seconds: float) -> None:
        """Return when the store's clock has advanced by so many seconds."""
        self.memory.now += seconds
        if self._redis is not None:
            await asyncio.sleep(seconds + 0.002)

    async def do(self, operation: Operation) -> Any:
        """Execute one operation, and return its outcome."""
        (outcome,) = await self.store.execute([operation])
        return outcome

    async def connect(self, client: str = "a", server: str = "one", seconds: float = SECONDS) -> None:
        """Create a client that has connected and whose ``on_connect`` has ended."""
        await self.do(Create("chat", client, server, FACTS, seconds))
        await self.do(Greet("chat", client, server, FACTS, seconds))
        step = (await self.inbox())[-1]
        await self.do(Finish("chat", self.fence, client, CONNECTED, step.id, {}))

    async def send(self, client: str, *numbers: int, room: int = 200) -> Any:
        items = [Incoming(n, n * 7, f'[{n},"text"]'.encode()) for n in numbers]
        return await self.do(Accept("chat", client, items, room, SECONDS))

    async def post(self, place: str = "x", number: int = 7, data: str = '"text"') -> Any:
        cause = Cause("a", number, place)
        return await self.do(Append("chat", self.fence, LOBBY, Message(data.encode()), cause))

    async def row(self, client: str = "a", server: str = "one", cursor: int = 0) -> Any:
        return await self.do(Claim("chat", client, server, cursor, SECONDS))

    async def inbox(self, after: str = "") -> list[InboxEntry]:
        return await self.store.read_inbox("chat", after, 0)

    async def log(self, after: int = 0) -> list[LogEntry]:
        return await self.store.read_log({"chat": after}, 0)


@asynccontextmanager
async def opened(redises: Redises, kind: str) -> AsyncIterator[StorePlace]:
    place = StorePlace(None if kind == "fake" else redises.get(kind), redises.new_prefix())
    await place.begin()
    try:
        yield place
    finally:
        await place.close()
