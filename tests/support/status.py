"""A visitor of the status page."""

from __future__ import annotations

import json
import re
from typing import Any

from tests.support.serving import Running, WireClient

BOOTSTRAP = re.compile(r'<script type="application/json" id="thywill-bootstrap">(.*?)</script>')


class StatusWire:
    """The wire of the status page, which is one level down."""

    def __init__(self, running: Running, cookie: str = "") -> None:
        self._running = running
        self._options: dict[str, Any] = {"headers": {"Cookie": cookie}} if cookie else {}

    async def ask(self, path: str, body: Any) -> Any:
        """Return the JSON of an answer."""
        return await self._running.ask(f"thywill/{path}", body, **self._options)


async def open_status_page(running: Running, cookie: str = "") -> WireClient:
    """Return a client of the status page that has polled once."""
    headers = {"Cookie": cookie} if cookie else {}
    page = await running.fetch("thywill/status/", headers=headers)
    found = BOOTSTRAP.search(page.body.decode())
    assert found is not None
    client = WireClient(StatusWire(running, cookie), json.loads(found[1]))  # type: ignore[arg-type]
    await client.poll(hold=0)
    return client


async def figures(client: WireClient) -> dict[str, Any]:
    """Return the next figures."""
    while True:
        for data in await client.receive():
            if "figures" in data:
                found: dict[str, Any] = data["figures"]
                return found
