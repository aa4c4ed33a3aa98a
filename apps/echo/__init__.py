"""Echo, the smallest application: every message comes back to its sender."""

from typing import Any

from thywill import Client, Cuttable, RpcError, UnsendableMessage


class Echo(Cuttable):
    """Sends each message back to the client that sent it."""

    title = "Echo"
    description = "See what travels: each request, the transport, and how long a message takes."
    icon = "icon.svg"
    page = "echo.html"
    scripts = ["requests.js", "trips.js", "echo.js"]
    styles = ["echo.css"]

    async def on_message(self, client: Client, message: Any) -> None:
        try:
            await client.send(message)
        except UnsendableMessage as error:
            # JSON can contain values that no page can get, such as 2**53. That is the page's fault, so the
            # log has no traceback.
            raise RpcError("unsendable", str(error)) from None
