"""Echo: what you send comes back to you."""

from typing import Any

from thywill import Application, Client


class Echo(Application):
    """Sends every message back to the client that it came from."""

    title = "Echo"
    page = "echo.html"
    scripts = ["echo.js"]
    styles = ["echo.css"]

    async def on_message(self, client: Client, message: Any) -> None:
        await client.send(message)
