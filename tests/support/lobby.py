"""An application for tests of several servers, with a journal of what its hooks have seen."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from tests.support.cluster import Cluster
from thywill import Application, Client, rpc


class Lobby(Application):
    """Everybody is in the lobby; a message is published there. ``journal`` has what its hooks have seen."""

    journal: ClassVar[list[tuple[Any, ...]]] = []
    gate: ClassVar[asyncio.Event | None] = None

    async def on_start(self) -> None:
        self.journal.append(("start",))

    async def on_stop(self) -> None:
        self.journal.append(("stop",))

    async def on_connect(self, client: Client) -> None:
        self.journal.append(("connect", client.id))
        await self.subscribe(client, "lobby")

    async def on_resume(self, client: Client) -> None:
        self.journal.append(("resume", client.id, dict(client.data), client.channels))

    async def on_message(self, client: Client, message: Any) -> None:
        self.journal.append(("message", client.id, message))
        if message == "end me":
            await client.disconnect("enough")
            return
        if message == "away":
            await self.unsubscribe(client, "lobby")
        client.data["count"] = client.data.get("count", 0) + 1
        await self.publish("lobby", message)
        if type(self).gate is not None:
            await type(self).gate.wait()
            await self.publish("lobby", [message, "after the gate"])

    async def on_disconnect(self, client: Client) -> None:
        self.journal.append(("disconnect", client.id))

    @rpc
    async def count(self, client: Client) -> Any:
        return client.data["count"]


async def start(count: int = 3, **options: Any) -> Cluster:
    return await Cluster({"chat": Lobby}, **options).start(count)


def seen(kind: str) -> list[tuple[Any, ...]]:
    return [event[1:] for event in Lobby.journal if event[0] == kind]
