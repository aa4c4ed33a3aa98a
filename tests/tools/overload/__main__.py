"""What pages that do not read cost a server: its memory as it is flooded. ``python3 -m tests.tools.overload``

A server in a process of its own, and of each kind so many clients: one that polls once and never again, one
that reads an answer a byte a second, one that repeats its first cursor for ever, and a SockJS stream that is
not read. What is published reaches them all.
"""

from __future__ import annotations

from tests.gate.entry import enter

if __name__ == "__main__":
    enter("tests.tools.overload.__main__")

import argparse
import asyncio
import json
import socket
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.support.served import Served

CONFIGURATION = """
[application_interface]
applications = ["tests.tools.overload.overload"]
[queue]
messages = {messages}
[push.longpoll]
grace = 600.0
[log]
level = "warning"
"""
BATCH = 50
SMALL = 4096
"""The receive buffers of those who read slowly: the kernel is to hold little of what the server writes."""


class Wire:
    """One connection, kept open; requests and answers are HTTP/1.1 with a length."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def open(self, limit: int = 2**20) -> Wire:
        """Connect; about ``limit`` bytes at most are read ahead."""
        raw = socket.socket()
        if limit == SMALL:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        raw.setblocking(False)
        await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", self._port))
        self.reader, self.writer = await asyncio.open_connection(sock=raw, limit=limit)
        return self

    def post(self, path: str, body: Any) -> None:
        """Send a request."""
        data = json.dumps(body).encode()
        head = f"POST /thywill/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n\r\n"
        self.writer.write(head.encode() + data)

    async def ask(self, path: str, body: Any) -> Any:
        """Send a request and return the JSON of its answer."""
        self.post(path, body)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split()[0])
        return json.loads(await self.reader.readexactly(length))


async def connect(port: int) -> tuple[Wire, str]:
    """Return a connection and the token of a client that has polled once."""
    wire = await Wire(port).open()
    token = (await wire.ask("connect", {"application": "overload"}))["token"]
    await wire.ask("poll", {"token": token, "cursor": 0, "hold": 0})
    return wire, token


async def never(port: int) -> None:
    """Poll once and never again."""
    wire, _ = await connect(port)
    wire.writer.close()


async def crawl(port: int) -> None:
    """Read an answer, which is large when there is one, a byte a second; when it is cut, poll again."""
    wire, token = await connect(port)
    wire.writer.close()
    while True:
        wire = await Wire(port).open(SMALL)
        await asyncio.sleep(1)
        wire.post("poll", {"token": token, "cursor": 0})
        while await wire.reader.read(1):  # noqa: ASYNC110 - it reads at its own pace
            await asyncio.sleep(1)


async def repeat(port: int) -> None:
    """Repeat the first cursor for ever."""
    wire, token = await connect(port)
    while True:
        await wire.ask("poll", {"token": token, "cursor": 0})
        await asyncio.sleep(1)


async def stream(port: int, number: int) -> None:
    """Open a stream and do not read it; when it is cut, open the next."""
    wire, token = await connect(port)
    wire.writer.close()
    for session in range(10**6):
        path = f"sockjs/000/{number}-{session}"
        reading = await Wire(port).open(SMALL)
        reading.post(f"{path}/xhr_streaming", "")
        await reading.reader.readuntil(b"o\n")
        sending = await Wire(port).open()
        sending.post(f"{path}/xhr_send", [json.dumps({"token": token, "cursor": 0})])
        await asyncio.sleep(30)
        reading.writer.close()
        sending.writer.close()


async def flood(port: int, size: int, end: float) -> int:
    """Publish until ``end``; return how many messages."""
    wire, token = await connect(port)
    number = cursor = 0
    while time.monotonic() < end:
        items = [[number + index, "x" * size] for index in range(1, BATCH + 1)]
        answer = await wire.ask("send", {"token": token, "messages": items})
        number = answer.get("received", number)
        cursor = (await wire.ask("poll", {"token": token, "cursor": cursor, "hold": 0}))["cursor"]
    return number


def resident(pid: int) -> float:
    """Return the memory of a process in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


async def report(pid: int, end: float, every: float) -> list[float]:
    """Print the memory of ``pid`` now and then."""
    begun, figures = time.monotonic(), [resident(pid)]
    while time.monotonic() < end:
        await asyncio.sleep(every)
        figures.append(resident(pid))
        print(f"{time.monotonic() - begun:4.0f} s  {figures[-1]:6.1f} MB", flush=True)
    return figures


async def run(port: int, pid: int, arguments: argparse.Namespace) -> None:
    """Let the clients come, then flood them."""
    kinds = {"never": never, "crawl": crawl, "repeat": repeat}
    tasks = []
    for number in range(arguments.clients):
        tasks += [asyncio.create_task(kinds[kind](port)) for kind in arguments.kinds if kind in kinds]
        if "stream" in arguments.kinds:
            tasks.append(asyncio.create_task(stream(port, number)))
    await asyncio.sleep(arguments.settle)
    end = time.monotonic() + arguments.seconds
    _, count = await asyncio.gather(
        report(pid, end, arguments.seconds / 12), flood(port, arguments.size, end)
    )
    failed = [repr(task.exception()) for task in tasks if task.done() and task.exception()]
    print(
        f"{count} messages of {arguments.size} bytes to {len(tasks)} clients; {len(failed)} failed",
        *failed[:1],
    )
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def main(arguments: list[str]) -> None:
    """Read the command line, start a server, and measure."""
    parser = argparse.ArgumentParser(prog="python3 -m tests.tools.overload", description=__doc__)
    parser.add_argument("--clients", type=int, default=200, help="of each kind")
    parser.add_argument("--kinds", nargs="+", default=["never", "crawl", "repeat", "stream"])
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--settle", type=float, default=5)
    parser.add_argument("--size", type=int, default=500, help="bytes of a message")
    parser.add_argument("--messages", type=int, default=1000, help="that may wait for one client")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        settings = Path(folder, "settings.toml")
        settings.write_text(CONFIGURATION.format(messages=options.messages))
        served = Served(Path(folder), "--config", str(settings))
        try:
            asyncio.run(run(served.port, served.process.pid, options))
        finally:
            served.kill()
