"""Tests an application without a browser, a socket or a server, and with a clock that the test moves.

    from thywill.testing import run

    async def test_a_press_is_seen_by_everybody():
        async with run(Counter) as app:
            ada, bob = await app.connect(), await app.connect()
            assert await bob.next() == 0
            await ada.send("one more")
            assert await bob.next() == 1

The application runs with the real hub and the queue in memory, and its messages are encoded as JSON as for a
browser. Time stands still until the test calls ``advance``.
"""

from thywill.testing.page import BrowserPage
from thywill.testing.running import RunningApplication, run

__all__ = ["BrowserPage", "RunningApplication", "run"]
