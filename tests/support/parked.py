"""A connection that a test keeps, and on which it parks a poll."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from tests.support.sockjs import Stream
from tests.support.wire import request


@contextlib.asynccontextmanager
async def connected(port: int) -> AsyncIterator[Stream]:
    stream = await Stream.connect(port)
    assert isinstance(stream, Stream)
    try:
        yield stream
    finally:
        stream.close()


async def ask(stream: Stream, path: str, **body: Any) -> Any:
    """Return what the wire answers."""
    return (await stream.ask(f"/thywill/{path}", method="POST", body=json.dumps(body).encode())).json


async def park(stream: Stream, told: dict[str, Any]) -> None:
    """Poll, and return while the poll is parked."""
    fields = {"token": told["token"], "cursor": told["cursor"]}
    await stream.send(request("/thywill/poll", method="POST", body=json.dumps(fields).encode()))
