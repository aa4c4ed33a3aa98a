"""An application for a soak, and a component that counts what the server under it holds."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from thywill import Application, Client
from thywill.http.message import Reply
from thywill.http.request import Request
from thywill.http.site import Endpoint
from thywill.push.base import Push

SLICE = 1000
"""Records that are deleted at once."""
TYPES = 400
"""Of how many types of objects the number is told, the most frequent first."""


class Watched(Application):
    """Echoes, and has everyone in a channel and each client in one of its own."""

    async def on_connect(self, client: Client) -> None:
        await self.subscribe(client, "all")
        await self.subscribe(client, f"own {client.id}")
        client.data["here"] = True

    async def on_message(self, client: Client, message: Any) -> None:
        await client.send(message)


class Counters(Push):
    """``GET /soak/counters``: how much there is of all that comes with clients and has to go with them."""

    name = "counters"

    def endpoints(self) -> Mapping[bytes, Endpoint]:
        return {b"/soak/counters": self._counters}

    def _counters(self, request: Request, reply: Reply) -> None:
        asyncio.ensure_future(self._answer_or_tell(reply))

    async def _answer_or_tell(self, reply: Reply) -> None:
        try:
            await self._answer(reply)
        except Exception as error:  # what it looks into may have changed
            reply.send(500, json.dumps({"error": repr(error)}).encode())
            raise

    async def _answer(self, reply: Reply) -> None:
        connection = reply._connection  # type: ignore[attr-defined]
        counters = {**await self._records(), **self._hub(), **self._http(connection), **_process()}
        reply.send(200, json.dumps(counters).encode())

    async def _records(self) -> dict[str, int]:
        """Write what waits, let go of those that are gone, as is done hourly, and count the others."""
        database: Any = self.hub._queue.database  # type: ignore[attr-defined]
        await database.flush()
        while await database._thread.run(database._table.purge, time.time() + 1, SLICE) == SLICE:
            continue
        return {"records": len(await database.find_all(limit=100_000)), "unwritten": len(database._pending)}

    def _hub(self) -> dict[str, int]:
        hub, directory, applications = self.hub, self.hub._directory, self.hub._listener
        return {
            "clients": len(directory),
            "sessions": directory.sessions,
            "channels": directory.channels,
            "members": len(directory._channels._of_member),
            "hub wheel": len(hub._leases._wheel),
            "hub due": len(hub._leases._due),
            "mailboxes": len(applications._mailboxes),  # type: ignore[attr-defined]
        }

    def _http(self, connection: Any) -> dict[str, int]:
        finders = [find.__self__ for find in connection.shared.site.finders]
        sessions = next(each.router.sessions for each in finders if hasattr(each, "router"))
        return {
            "connections": connection._registry.connections,
            "http wheel": len(connection.shared.wheel),
            "sockjs sessions": len(sessions),
            "sockjs wheel": len(sessions._wheel),
        }


def _process() -> dict[str, Any]:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # freed memory does not count
    objects = gc.get_objects()
    types = Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in objects)
    return {
        "tasks": len(asyncio.all_tasks()),
        "timers": sum(number for name, number in types.items() if name.endswith("TimerHandle")),
        "descriptors": sum(1 for _ in Path("/proc/self/fd").iterdir()),
        "objects": len(objects),
        "blocks": sys.getallocatedblocks(),
        "memory": int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize(),
        "types": dict(types.most_common(TYPES)),
    }
