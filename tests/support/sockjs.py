"""A client of one SockJS service: requests, and answers that are read frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import cycle
from typing import Any
from urllib.parse import urlencode

from tests.support.wire import Answer, Ended, Wire, request

NOT_CACHED = "no-store, no-cache, no-transform, must-revalidate, max-age=0"


class Stream(Wire):
    """A request whose answer is read as it arrives."""

    async def begin(self, target: str, *headers: str, **fields: Any) -> Answer:
        """Send a request and return the head of its answer."""
        await self.send(request(target, *headers, **fields))
        return await self.head()

    async def head(self) -> Answer:
        """Return the head of the next answer."""
        first, *lines = (await self._until(b"\r\n\r\n")).decode("latin-1").rstrip().split("\r\n")
        version, status, _ = first.split(" ", 2)
        pairs = [line.split(": ", 1) for line in lines]
        return Answer(int(status), version, [(name.lower(), value) for name, value in pairs])

    async def chunk(self) -> bytes:
        """Return the next chunk of the answer; b"" is its end."""
        size = int((await self._until(b"\r\n"))[:-2], 16)
        chunk = await self.exactly(size)
        assert await self.exactly(2) == b"\r\n", "a chunk without its end"
        return chunk


class Service:
    """A client of the service at ``base``; what it opens is closed with it.

    Each connection goes to the next one of ``others``, which have the same service, then to ``port`` again.
    """

    def __init__(self, port: int, base: str, others: Sequence[int] = ()) -> None:
        self.port = port
        self._ports = cycle((port, *others))
        self.base = base
        self._open: list[Wire] = []

    async def get(self, path: str = "", *headers: str, **fields: Any) -> Answer:
        """Return the answer to a GET, on a connection of its own."""
        return await self._ask(path, *headers, **fields)

    async def post(self, path: str, body: bytes | str = b"", *headers: str, **fields: Any) -> Answer:
        """Return the answer to a POST, on a connection of its own."""
        data = body if isinstance(body, bytes) else body.encode()
        return await self._ask(path, *headers, method="POST", body=data, **fields)

    async def options(self, path: str, *headers: str) -> Answer:
        """Return the answer to a preflight."""
        return await self._ask(path, *headers, method="OPTIONS")

    async def poll(self, session: str) -> bytes:
        """Return the frame that an xhr poll brings."""
        answer = await self.post(f"{session}/xhr")
        assert answer.status == 200
        assert answer.body.endswith(b"\n")
        return answer.body[:-1]

    async def park(self, path: str, *headers: str, method: str = "POST", slow: bool = False) -> Stream:
        """Send a request that waits, and return its connection; a ``slow`` one takes in little."""
        stream = await self._connect(slow=slow)
        body = b"" if method == "POST" else None
        await stream.send(request(self.base + path, *headers, method=method, body=body))
        return stream

    async def stream(
        self, path: str, *headers: str, method: str = "POST", version: str = "1.1"
    ) -> tuple[Stream, Answer]:
        """Begin a streaming request; return its connection and the head of the answer."""
        stream = await self._connect()
        body = b"" if method == "POST" else None
        return stream, await stream.begin(
            self.base + path, *headers, method=method, body=body, version=version
        )

    async def send(self, session: str, body: str) -> None:
        """Send a body by ``xhr_send``, which has to be accepted."""
        answer = await self.post(f"{session}/xhr_send", body)
        assert (answer.status, answer.body) == (204, b"")

    async def send_form(self, session: str, body: str) -> None:
        """Send a body by ``jsonp_send``, which has to be accepted."""
        form = "Content-Type: application/x-www-form-urlencoded"
        answer = await self.post(f"{session}/jsonp_send", urlencode({"d": body}), form)
        assert (answer.status, answer.body) == (200, b"ok")

    async def _connect(self, *, slow: bool = False) -> Stream:
        stream = await Stream.connect(next(self._ports), slow=slow)
        assert isinstance(stream, Stream)
        self._open.append(stream)
        return stream

    async def _ask(self, path: str, *headers: str, **fields: Any) -> Answer:
        stream = await self._connect()
        try:
            return await stream.ask(self.base + path, *headers, **fields)
        finally:
            stream.close()
            self._open.remove(stream)

    def close(self) -> None:
        """Close every connection."""
        for stream in self._open:
            stream.close()


__all__ = ["Answer", "Ended", "Service", "Stream"]
