"""The button "Cut the connection", which the applications share.

Its script (``static/thywill/cut.js``) cuts the page from its network for ten seconds. Meanwhile the server
counts for this page, with ten numbers a second as ordinary messages. The page shows which numbers arrived.
"""

from __future__ import annotations

import asyncio

from thywill.application import Application
from thywill.client import Client
from thywill.component import Configuration
from thywill.errors import Unavailable
from thywill.handlers.declare import rpc

NUMBERS = 100
PAUSE = 0.1
"""Seconds between two numbers."""


class Cuttable(Application):
    """An application with the button; its ``scripts`` need not name the button's, and may use ``dom.js``."""

    def bootstrap(self, client: Client, configuration: Configuration) -> None:
        configuration.scripts[:0] = ["thywill/dom.js", "thywill/cut.js"]

    @rpc(concurrent=True)
    async def count(self, client: Client) -> int:
        """Send the page its numbers, one after another; return how many there were.

        Where the queue survives a kill of the server, so does the call: it begins anew, and what the page has
        been sent is not sent twice.
        """
        await client.limit("count", 1, per=NUMBERS * PAUSE)
        for number in range(1, NUMBERS + 1):
            await self._send_number(client, number)
            await asyncio.sleep(PAUSE)
        return NUMBERS

    async def _send_number(self, client: Client, number: int) -> None:
        # Try until the number is sent: the page would count a missing number as lost by the network.
        while True:
            try:
                await client.send({"type": "count", "n": number, "of": NUMBERS}, key=f"count {number}")
            except Unavailable as error:
                await asyncio.sleep(error.retry)
            else:
                return
