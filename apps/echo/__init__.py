"""Echo, the smallest application: every message comes back to its sender."""

from typing import Any

from thywill import Application, Client


class Echo(Application):
    """Sends each message back to the client that sent it."""

    title = "Echo"
    description = "What you send comes back, and how long it took."
    icon = "icon.svg"
    page = "echo.html"
    scripts = ["echo.js"]
    styles = ["echo.css"]

    async def on_message(self, client: Client, message: Any) -> None:
        await client.send(message)
