"""Well-behaved clients: how long a message takes from one of them to the others, and who is refused.

A message bears the time at which it was due, not that at which it went out: if the server holds up the
sender, the messages that were due meanwhile count as late as well (no coordinated omission).
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import Any

from tests.tools.attack.floods import encode, request

LISTENERS = 4
INTERVAL = 0.04
"""Seconds between two messages."""
VISITS = 0.25
"""Seconds between two new visitors."""
PATIENCE = 10.0
"""Seconds for which a visitor waits for a page."""


class Refused(Exception):
    """The server has answered a well-behaved client with something other than 200."""


class Wire:
    """One kept connection of a well-behaved client."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, fields: Any = None) -> bytes:
        """Send a request and return the answer's body.

        Raises:
            Refused: the status is not 200, or the connection broke off.
        """
        body = b"" if fields is None else encode(fields)
        try:
            return await self._ask(request(method, path, body))
        except (OSError, EOFError) as error:
            self.close()
            raise Refused(f"{type(error).__name__} at {path}") from None

    async def _ask(self, data: bytes) -> bytes:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self._writer.write(data)
        head = await self._reader.readuntil(b"\r\n\r\n")
        status = head.split(b" ", 2)[1]
        body = await self._body(self._reader, head.lower())
        if status != b"200":
            raise Refused(f"{status.decode()} {body[:100].decode('latin-1')}")
        return body

    async def _body(self, reader: asyncio.StreamReader, head: bytes) -> bytes:
        if b"transfer-encoding: chunked" in head:
            body = b""
            while size := int(await reader.readuntil(b"\r\n"), 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readexactly(2)
            return body
        return await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0] or 0))

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def closed(self) -> None:
        """Close the connection, and wait until it is."""
        writer = self._writer
        self.close()
        if writer is not None:
            with contextlib.suppress(OSError):
                await writer.wait_closed()


class Crowd:
    """Some listeners, a sender, and new visitors from time to time.

    Args:
        port: where the server, or nginx before it, listens.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._tasks: list[asyncio.Task[None]] = []
        self._wires: list[Wire] = []
        self.delays: list[float] = []
        self.refused: list[str] = []

    async def start(self) -> None:
        """Connect everybody, and begin."""
        tokens = [await self._connect() for _ in range(LISTENERS + 1)]
        jobs = [self._send(tokens[0]), self._visit(), *(self._listen(token) for token in tokens[1:])]
        self._tasks = [asyncio.ensure_future(job) for job in jobs]

    async def stop(self) -> None:
        """End everybody."""
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                task.result()
        for wire in self._wires:
            await wire.closed()

    async def measure(self, seconds: float) -> tuple[list[float], list[str]]:
        """Return the delays of what arrives within so many seconds, and who is refused in them."""
        self.delays, self.refused = [], []
        await asyncio.sleep(seconds)
        return self.delays, self.refused

    def _wire(self) -> Wire:
        self._wires.append(Wire(self._port))
        return self._wires[-1]

    async def _connect(self) -> str:
        wire = self._wire()
        answer = json.loads(await wire.ask("POST", "thywill/connect", {"application": "attacked"}))
        token: str = answer["token"]
        await wire.ask("POST", "thywill/poll", {"token": token, "cursor": 0, "hold": 0})
        wire.close()
        return token

    async def _listen(self, token: str) -> None:
        wire, cursor = self._wire(), 0
        while True:
            try:
                body = await wire.ask("POST", "thywill/poll", {"token": token, "cursor": cursor})
            except Refused as error:
                await self._refuse(error)
                continue
            answer, now = json.loads(body), time.monotonic()
            self.delays += [now - item[1]["due"] for item in answer["messages"]]
            cursor = answer["cursor"]

    async def _send(self, token: str) -> None:
        wire, number, due = self._wire(), 0, time.monotonic()
        waiting: list[list[Any]] = []
        while True:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            while due <= time.monotonic():
                number += 1
                waiting.append([number, {"due": due}])
                due += INTERVAL
            try:
                body = await wire.ask("POST", "thywill/send", {"token": token, "messages": waiting[:100]})
            except Refused as error:
                await self._refuse(error)
                continue
            received = json.loads(body)["received"]
            waiting = [item for item in waiting if item[0] > received]

    async def _visit(self) -> None:
        wire = self._wire()
        while True:
            try:
                async with asyncio.timeout(PATIENCE):
                    await wire.ask("GET", "attacked/")
            except (Refused, TimeoutError) as error:
                await self._refuse(error)
            wire.close()
            await asyncio.sleep(VISITS)

    async def _refuse(self, error: Exception) -> None:
        self.refused.append(str(error) or "no answer")
        await asyncio.sleep(0.1)
