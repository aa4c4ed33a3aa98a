"""An application for a load generator: everyone is in one channel, and a request publishes to it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from thywill import Application, Client
from thywill.core.envelope import encode_message
from thywill.core.message import Address
from thywill.http.message import Reply
from thywill.http.request import Request
from thywill.http.site import Endpoint
from thywill.push.base import Push

ALL = Address.channel("all")


class Broadcast(Application):
    """Echoes what a client sends, and puts everyone into one channel."""

    async def on_connect(self, client: Client) -> None:
        await self.subscribe(client, "all")

    async def on_message(self, client: Client, message: Any) -> None:
        await client.send(message)


class Trigger(Push):
    """``POST /bench/publish``: its body, as text, goes to everyone."""

    name = "trigger"

    def endpoints(self) -> Mapping[bytes, Endpoint]:
        return {b"/bench/publish": self._publish}

    def _publish(self, request: Request, reply: Reply) -> None:
        text = request.body.decode()
        message = encode_message(ALL, text, self.limits.message)
        asyncio.ensure_future(self.hub._queue.append("broadcast", ALL, message))
        reply.send(200, b"{}")
