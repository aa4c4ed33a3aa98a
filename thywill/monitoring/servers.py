"""``GET /thywill/servers``: the servers that share the queue, as JSON."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict

from thywill.core.envelope import encode_object
from thywill.core.server_row import ServerRow
from thywill.errors import MethodNotAllowed
from thywill.http.message import JSON, Reply, Request

log = logging.getLogger(__name__)

ServerRows = Callable[[], Awaitable[Sequence[ServerRow]]]


class Servers:
    """The endpoint ``/thywill/servers``: ``{"servers": [...]}``, each with the fields of ``ServerRow``.

    Args:
        rows: returns a row for each server.
    """

    def __init__(self, rows: ServerRows) -> None:
        self._rows = rows
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, request: Request, reply: Reply) -> None:
        if request.method not in (b"GET", b"HEAD"):
            raise MethodNotAllowed("only GET is allowed here")
        task = asyncio.ensure_future(self._answer(reply))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, reply: Reply) -> None:
        try:
            rows = await self._rows()
        except Exception:
            log.exception("the servers could not be listed")
            reply.send(500, b"")
        else:
            reply.send(200, encode_object({"servers": [asdict(row) for row in rows]}), JSON)
