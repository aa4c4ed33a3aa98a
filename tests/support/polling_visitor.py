"""Many pages that poll, each with little code; after any failure they connect again."""

from __future__ import annotations

import asyncio
import collections
import json
from typing import Any

PAUSE = 0.2


class Visitor:
    """A page that polls natively, on one connection as long as that holds.

    Args:
        port: where it finds the server.
        application: the application's name.
        statuses: counts the answers by status; 0 stands for a connection that failed or broke off.
    """

    def __init__(self, port: int, application: str, statuses: collections.Counter[int]) -> None:
        self.port = port
        self.application = application
        self.statuses = statuses
        self.received: list[Any] = []
        self.polls = 0
        self._token = ""
        self._cursor = 0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def run(self) -> None:
        """Connect and poll, again and again."""
        try:
            while True:
                if not self._token:
                    await self._connect()
                else:
                    await self._poll()
        finally:
            self._close()

    async def send(self, data: Any) -> None:
        """Send the first message of this page."""
        speaker = Visitor(self.port, self.application, self.statuses)
        status, answer = await speaker.request("send", {"token": self._token, "messages": [[1, data]]})
        speaker._close()
        assert (status, answer.get("received")) == (200, 1), answer

    async def _connect(self) -> None:
        status, answer = await self.request("connect", {"application": self.application})
        if status == 200:
            self._token, self._cursor, self.polls = answer["token"], answer["cursor"], 0
        else:
            await asyncio.sleep(answer.get("error", {}).get("retry") or PAUSE)

    async def _poll(self) -> None:
        hold = {} if self.polls else {"hold": 0}
        status, answer = await self.request("poll", {"token": self._token, "cursor": self._cursor, **hold})
        if status in (401, 410):
            self._token, self.polls = "", 0
        elif status != 200 or "retry" in answer:
            # As long as the server asks for, as pages do.
            await asyncio.sleep(answer.get("retry") or answer.get("error", {}).get("retry") or PAUSE)
        else:
            self.polls += 1
            self._cursor = answer["cursor"]
            self.received += [message[1] for message in answer["messages"]]

    async def request(self, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Return the status and JSON of an answer, or (0, {}) if there was none."""
        try:
            status, answer = await self._exchange(path, json.dumps(body).encode())
        except (OSError, asyncio.IncompleteReadError):
            self._close()
            status, answer = 0, {}
        self.statuses[status] += 1
        return status, answer

    async def _exchange(self, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self.port)
        reader, writer = self._streams
        head = f"POST /thywill/{path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
        writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
        text = await reader.readexactly(length)
        if b"connection: close" in answer:
            self._close()
        found = json.loads(text) if text[:1] == b"{" else {}
        return int(answer.split(b" ", 2)[1]), found

    def _close(self) -> None:
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None
