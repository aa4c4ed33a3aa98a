"""An application for ``tests.tools.overload``: what a page sends goes to all, and nothing is stored."""

from __future__ import annotations

from typing import Any

from thywill import Application, Client


class Overload(Application):
    """Publishes whatever it is sent."""

    async def on_connect(self, client: Client) -> None:
        await self.subscribe(client, "all")

    async def on_message(self, client: Client, message: Any) -> None:
        await self.publish("all", message)
