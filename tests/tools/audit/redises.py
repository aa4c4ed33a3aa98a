"""The Redis of a cluster: one server, behind a relay where it has to be cut off, or two with a failover."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.support.redis_servers import LIMIT, RedisServer
from tests.tools.audit.relay import Relay

ON_DISK = ("appendonly yes", "appendfsync always")
"""Nothing that Redis has answered is lost when it is killed."""
SERVICE = "audit"


class Redises:
    """One Redis. Each server reaches it directly.

    Attributes:
        safe: what ``[queue] safe`` of the servers has to be.
    """

    safe = "disk"

    def __init__(self, servers: int) -> None:
        self.servers = servers
        self.master = RedisServer("redis", *ON_DISK)

    async def start(self) -> None:
        """Start what is between the servers and Redis."""

    def url(self, server: int) -> str:
        """Return where the server of that number finds Redis."""
        return self.master.url()

    async def close(self) -> None:
        """End all of it."""
        self.master.close()


class Relayed(Redises):
    """One Redis, and a relay for each server."""

    def __init__(self, servers: int) -> None:
        super().__init__(servers)
        self.relays = [Relay(self.master.port) for _ in range(servers)]

    async def start(self) -> None:
        for relay in self.relays:
            await relay.start()

    def url(self, server: int) -> str:
        return f"redis://127.0.0.1:{self.relays[server].port}/0"

    async def close(self) -> None:
        for relay in self.relays:
            await relay.close()
        await super().close()


class Replicated(Relayed):
    """A Redis and its replica, which takes over by hand: the relays lead to the other one then."""

    def __init__(self, servers: int) -> None:
        super().__init__(servers)
        self.replica = RedisServer("redis", *ON_DISK, f"replicaof 127.0.0.1 {self.master.port}")

    async def start(self) -> None:
        await super().start()
        await self.in_step()

    async def in_step(self) -> None:
        """Wait until the replica has all that the master has."""
        await until(self.replica, "master_link_status", "up")

    async def fail_over(self, behind: float) -> None:
        """Have the replica take over.

        Args:
            behind: for how many seconds the old master has gone on without it; what it confirmed is lost.
        """
        old, new = self.master, self.replica
        new.call("REPLICAOF", "NO", "ONE")
        await asyncio.sleep(behind)
        for relay in self.relays:
            await relay.refuse()
        self.master, self.replica = new, old
        for relay in self.relays:
            relay.target = new.port
            await relay.heal()
        old.call("REPLICAOF", "127.0.0.1", new.port)
        await self.in_step()

    async def close(self) -> None:
        await super().close()
        self.replica.close()


class Watched(Redises):
    """A Redis and its replica, and a Sentinel, which has the replica take over. ``safe = "replicas"``."""

    safe = "replicas"

    def __init__(self, servers: int) -> None:
        super().__init__(servers)
        self.replica = RedisServer("redis", *ON_DISK, f"replicaof 127.0.0.1 {self.master.port}")
        self.sentinel = RedisServer(
            "redis",
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.master.port} 1",
            f"sentinel down-after-milliseconds {SERVICE} 1000",
            f"sentinel failover-timeout {SERVICE} 5000",
            sentinel=True,
        )

    async def start(self) -> None:
        await until(self.replica, "master_link_status", "up")
        await self._known()

    async def _known(self) -> None:
        """Wait until the sentinel knows the replica, and everything is as it should be."""
        while True:
            fields = self.sentinel.call("SENTINEL", "MASTER", SERVICE)
            if (fields[b"num-slaves"], fields[b"flags"]) == (b"1", b"master"):
                return
            await asyncio.sleep(0.1)

    def url(self, server: int) -> str:
        return f"sentinel://127.0.0.1:{self.sentinel.port}/{SERVICE}"

    async def fail_over(self) -> None:
        """Kill the master, wait until the replica has taken over, and start the old master as its replica."""
        old, new = self.master, self.replica
        old.kill()
        await until(new, "role", "master")
        self.master, self.replica = new, old
        await asyncio.to_thread(old.start)
        await until(old, "master_link_status", "up")
        await self._known()

    async def close(self) -> None:
        self.sentinel.close()
        await super().close()
        self.replica.close()


async def until(server: RedisServer, name: str, value: str) -> None:
    """Wait until INFO of ``server`` says so."""
    end = asyncio.get_running_loop().time() + LIMIT
    while await asyncio.to_thread(_info, server, name) != value:
        if asyncio.get_running_loop().time() > end:
            raise TimeoutError(f"{name} of the Redis at port {server.port} has not become {value}")
        await asyncio.sleep(0.05)


def _info(server: RedisServer, name: str) -> Any:
    try:
        return server.call("INFO", "replication").get(name)
    except (TimeoutError, OSError):
        return None
