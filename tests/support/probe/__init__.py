"""An application for tests. It does what a message asks for, and records the events of its clients."""

from __future__ import annotations

import asyncio
from typing import Any

from thywill import Application, Client, RpcError, rpc


class Probe(Application):
    """``{"echo": X}`` comes back; the other verbs are the methods ``do_...`` below."""

    title = "Probe"

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.messages: list[Any] = []
        self.gate = asyncio.Event()

    async def on_connect(self, client: Client) -> None:
        self.events.append(("connect", client.id))
        await self.subscribe(client, "all")

    async def on_message(self, client: Client, message: Any) -> None:
        self.messages.append(message)
        if isinstance(message, dict):
            for verb, argument in message.items():
                await getattr(self, f"do_{verb}")(client, argument)

    async def on_disconnect(self, client: Client) -> None:
        self.events.append(("disconnect", client.id))

    async def do_echo(self, client: Client, data: Any) -> None:
        await client.send(data)

    async def do_raise(self, client: Client, text: str) -> None:
        raise RuntimeError(text)

    async def do_publish(self, client: Client, data: Any) -> None:
        await self.publish("all", data)

    async def do_session(self, client: Client, data: Any) -> None:
        await self.send_to_session(client.session, data)

    async def do_leave(self, client: Client, channel: str) -> None:
        await self.unsubscribe(client, channel)

    async def do_remember(self, client: Client, data: Any) -> None:
        client.data["kept"] = data

    async def do_count(self, client: Client, data: Any) -> None:
        client.data["count"] = client.data.get("count", 0) + 1
        await client.send(client.data["count"])

    async def do_evict(self, client: Client, reason: str) -> None:
        await client.disconnect(reason)

    async def do_wait(self, client: Client, data: Any) -> None:
        await self.gate.wait()

    async def do_limited(self, client: Client, count: int) -> None:
        await client.limit("limited", count, per=1000)

    @property
    def trap(self) -> None:
        raise RuntimeError("a browser has run this")

    async def do_unsendable(self, client: Client, data: Any) -> None:
        await client.send(object())

    @rpc
    async def add(self, client: Client, one: int, other: int) -> int:
        return one + other

    @rpc
    async def refuse(self, client: Client) -> None:
        raise RpcError("no", "not today")

    @rpc
    async def crash(self, client: Client) -> None:
        raise RuntimeError("crash")
