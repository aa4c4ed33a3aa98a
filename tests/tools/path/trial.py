"""Sends a message from a browser to the echo application and back, and traces what the server does."""

from __future__ import annotations

import asyncio
import http.client
import json
import tempfile
from pathlib import Path
from typing import Any

from tests.tools.path.trace import Trace

SERVERS = 3
"""How many servers are asked: a timer of a server may run beside its message, so the shortest path counts."""


class Page:
    """What a browser does for one page of the echo application, on connections that stay open.

    Its methods block, so they run in a thread of their own beside the server's loop.
    """

    def __init__(self, port: int) -> None:
        self._polls = _Requests(port)
        self._sends = _Requests(port)
        self._sent = 0

    def open(self) -> None:
        """Become a client, and poll once as every page does at first."""
        answer = self._polls.ask("connect", application="echo")
        self._token, self._cursor = answer["token"], answer["cursor"]
        self._polls.ask("poll", token=self._token, cursor=self._cursor, hold=0)

    def park(self) -> None:
        """Poll; the server has parked the poll when this returns."""
        self._polls.write("poll", token=self._token, cursor=self._cursor)
        # The answer to the first may be written in the turn of the loop that reads the poll, that to the
        # second is not.
        for _ in range(2):
            self._sends.ask("health")

    def send(self, data: Any) -> Any:
        """Send a message, and return the one that answers the poll."""
        self._sent += 1
        self._sends.write("send", token=self._token, messages=[[self._sent, data]])
        answer = self._polls.read()
        ((_, message),), self._cursor = answer["messages"], answer["cursor"]
        self._sends.read()
        return message

    def close(self) -> None:
        """Close the connections."""
        self._polls.close()
        self._sends.close()


class _Requests:
    """One connection, on which requests have no more headers than HTTP asks for."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, what: str, **fields: Any) -> Any:
        self.write(what, **fields)
        return self.read()

    def write(self, what: str, **fields: Any) -> None:
        # In one piece, as browsers do with a small body; http.client would send head and body by themselves.
        body = json.dumps(fields).encode() if fields else b""
        method = "POST" if body else "GET"
        head = f"{method} /thywill/{what} HTTP/1.1\r\nHost: test\r\nContent-Length: {len(body)}\r\n\r\n"
        self._connection.send(head.encode() + body)

    def read(self) -> Any:
        response = http.client.HTTPResponse(self._connection.sock)
        response.begin()
        return json.loads(response.read())

    def close(self) -> None:
        self._connection.close()


def trace_message(root: Path) -> Trace:
    """Return the path of a page's third message from the bytes of ``send`` to those that answer the poll."""
    traces = []
    for _ in range(SERVERS):
        with tempfile.TemporaryDirectory() as folder:
            traces.append(asyncio.run(_trace_message(root, Path(folder))))
    return min(traces, key=lambda trace: len(trace.calls))


def trace_start(root: Path) -> Trace:
    """Return the path from the settings to the server that listens."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_trace_start(root, Path(folder)))


def _settings(folder: Path) -> Any:
    from thywill.config import Settings

    return Settings(
        {
            "server": {"port": 0, "data": str(folder)},
            "application_interface": {"applications": ["apps.echo"]},
            "log": {"level": "error"},
        },
        "settings",
    )


async def _trace_start(root: Path, folder: Path) -> Trace:
    from thywill.server import Service

    settings = _settings(folder)
    with Trace(root) as trace:
        service = Service(settings, root)
        await service.start()
    await service.stop()
    return trace


async def _trace_message(root: Path, folder: Path) -> Trace:
    from thywill.server import Service

    service = Service(_settings(folder), root)
    await service.start()
    page = Page(int(service.address.rstrip("/").rpartition(":")[2]))
    await asyncio.to_thread(page.open)
    await asyncio.to_thread(page.park)
    for _ in range(2):  # after which the head is known, as that of nearly every request
        await asyncio.to_thread(page.send, "hello")
        await asyncio.to_thread(page.park)
    with Trace(root) as trace:
        message = await asyncio.to_thread(page.send, "hello")
    await asyncio.to_thread(page.close)
    await service.stop()
    assert message == "hello"
    return trace
