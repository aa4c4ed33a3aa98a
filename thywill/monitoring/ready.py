"""``GET /thywill/ready``: answers whether the server can serve, and if not, why."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from thywill.core.envelope import encode_object
from thywill.http.message import JSON, Reply
from thywill.http.request import Request
from thywill.monitoring.async_endpoint import AsyncEndpoint

Reasons = Callable[[], Awaitable[list[str]]]


class Ready(AsyncEndpoint):
    """The endpoint ``/thywill/ready``: 200 if the server can serve, else 503 with the reasons.

    Args:
        reasons: returns the reasons why the server cannot serve; an empty list if it can.
    """

    def __init__(self, reasons: Reasons) -> None:
        super().__init__()
        self._reasons = reasons
        self._task: asyncio.Task[list[str]] | None = None

    async def answer(self, request: Request, reply: Reply) -> None:
        """Answer whether the server can serve."""
        # Anybody may ask, so only one query at a time goes to the database.
        if self._task is None or self._task.done():
            self._task = asyncio.ensure_future(self._reasons())
        reasons = await asyncio.shield(self._task)
        if reasons:
            reply.send(503, encode_object({"status": "not ready", "reasons": reasons}), JSON)
        else:
            reply.send(200, encode_object({"status": "ready"}), JSON)
