"""An endpoint for GET whose answer takes some turns of the loop."""

from __future__ import annotations

import asyncio

from thywill.errors import MethodNotAllowed
from thywill.http.message import Reply
from thywill.http.request import Request


class AsyncEndpoint:
    """Answers GET and HEAD in a task; a subclass implements ``answer``."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def __call__(self, request: Request, reply: Reply) -> None:
        _check_method(request)
        task = asyncio.ensure_future(self.answer(request, reply))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def answer(self, request: Request, reply: Reply) -> None:
        """Answer ``request``."""
        raise NotImplementedError


def _check_method(request: Request) -> None:
    if request.method not in (b"GET", b"HEAD"):
        raise MethodNotAllowed("only GET is allowed here")
