"""Display: live charts of what the server does, and of any number that a program publishes from outside.

Once a second the server publishes its figures with the time. Programs publish ``{"name", "value"}`` into the
same channel, and no code here sees these messages. The channel keeps its last ten minutes, so a page that
comes late draws the same charts as the others. A number from outside has no time. It gets the time of the
figures before it in the channel, which are at most a second older.
"""

from __future__ import annotations

import time

from apps.display.figures import CHARTS, Figures
from thywill import Client, Configuration, Cuttable, every, on

CHANNEL = "metrics"
SECONDS = 600
"""For how many seconds the channel keeps messages."""
QUIET = 5
"""While nobody looks, only every fifth second has figures, since a durable queue has to write them."""
TAPS = 20
"""Taps that one page may send in a second."""


class Display(Cuttable):
    title = "Display"
    description = "Live charts of this server, and of any number that you publish."
    icon = "icon.svg"
    page = "display.html"
    scripts = ["series.js", "surface.js", "card.js", "table.js", "display.js"]
    styles = ["display.css"]
    history = {CHANNEL: {"count": 5000, "seconds": SECONDS}}

    def __init__(self) -> None:
        self._ticks = 0
        self._taps = 0

    async def on_start(self) -> None:
        self._figures = Figures(self.totals)

    def bootstrap(self, client: Client, configuration: Configuration) -> None:
        super().bootstrap(client, configuration)
        configuration.parameters.update(charts=CHARTS, seconds=SECONDS)

    async def on_connect(self, client: Client) -> None:
        await self.subscribe(client, CHANNEL, replay=True)

    @on("tap")
    async def tap(self, client: Client) -> None:
        """Count a press of the button: everybody sees it in the next figures."""
        await client.limit("taps", TAPS, per=1)
        self._taps += 1

    @every(1)
    async def tick(self) -> None:
        """Publish the figures since the last time."""
        self._ticks += 1
        if self._ticks % QUIET == 0 or self.clients(CHANNEL):
            values = self._figures.take(self._taps)
            self._taps = 0
            await self.publish(CHANNEL, {"type": "tick", "at": round(time.time(), 3), "values": values})
