"""An application whose hook for a message never ends, not even when it is cancelled."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from thywill import Application, Client


class Stubborn(Application):
    """Greets, and then never comes back from a message."""

    async def on_message(self, client: Client, message: Any) -> None:
        await client.send("begun")
        while True:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
