"""``GET /thywill/servers``: the servers that share the queue, as JSON."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict

from thywill.core.envelope import encode_object
from thywill.core.server_row import ServerRow
from thywill.http.message import JSON, Reply
from thywill.http.request import Request
from thywill.monitoring.async_endpoint import AsyncEndpoint

log = logging.getLogger(__name__)

ServerRows = Callable[[], Awaitable[Sequence[ServerRow]]]


class Servers(AsyncEndpoint):
    """The endpoint ``/thywill/servers``: ``{"servers": [...]}``, each with the fields of ``ServerRow``.

    Args:
        rows: returns a row for each server.
    """

    def __init__(self, rows: ServerRows) -> None:
        super().__init__()
        self._rows = rows

    async def answer(self, request: Request, reply: Reply) -> None:
        """Answer with the rows."""
        try:
            rows = await self._rows()
        except Exception:
            log.exception("the servers could not be listed")
            reply.send(500, b"")
        else:
            reply.send(200, encode_object({"servers": [asdict(row) for row in rows]}), JSON)
