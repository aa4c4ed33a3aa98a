"""The floods, each from one address; run in a process of its own: ``python -m tests.tools.attack.floods``.

A flood is so many workers that each do one bad thing again and again, as fast as they can, until the time is
over. They know no manners: a refusal, a ``retry`` or a closed connection is answered by the next try.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import itertools
import json
import os
import re
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from typing import Any

MEGABYTE = 1024 * 1024
SMALL = 4096
"""The receive buffers of those who read slowly: the kernel is to hold little of what the server writes."""
PAUSE = 0.02
"""Seconds before a worker tries again that could not connect at all."""
PATIENCE = 60.0
"""Seconds in which a server has to accept a flood's client: an earlier flood may have met the limits."""
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: a close becomes a reset."""
SCRIPT = re.compile(rb'src="[^"]*?(static/[^"]+\.js[^"]*)"')


class Link:
    """One connection of a flood.

    Args:
        flood: whose it is.
        small: whether the kernel is to take in little of what the server writes.
    """

    def __init__(self, flood: Flood, *, small: bool = False) -> None:
        self._flood = flood
        self._small = small
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def __aenter__(self) -> Link:
        raw = socket.socket()
        raw.setblocking(False)
        if self._small:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        raw.bind((self._flood.source, 0))
        try:
            await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", self._flood.port))
        except BaseException:
            raw.close()
            raise
        limit = SMALL if self._small else MEGABYTE
        self.reader, self.writer = await asyncio.open_connection(sock=raw, limit=limit)
        return self

    async def __aexit__(self, *about: object) -> None:
        self.writer.transport.abort()

    def reset(self) -> None:
        """Close with a reset."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.writer.transport.abort()

    async def ask(self, method: str, path: str, body: bytes = b"", kind: str = "text/plain") -> bytes:
        """Send a request and return the answer's body; the connection must be kept."""
        self.writer.write(request(method, path, body, kind))
        await self.writer.drain()
        self._flood.requests += 1
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"\r\ncontent-length: ")[2].split(b"\r\n")[0] or 0)
        return await self.reader.readexactly(length)

    async def token(self) -> str:
        """Return the token of a new client that has polled; KeyError if the server refuses the client."""
        answer = json.loads(await self.ask("POST", "thywill/connect", b'{"application":"attacked"}'))
        token: str = answer["token"]
        await self.ask("POST", "thywill/poll", encode({"token": token, "cursor": 0, "hold": 0}))
        return token


def request(method: str, path: str, body: bytes = b"", kind: str = "text/plain") -> bytes:
    """Return a request in HTTP/1.1."""
    head = f"{method} /{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    if method == "POST":
        head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return head.encode() + b"\r\n" + body


def encode(fields: Any) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode()


class Flood:
    """One flood under way.

    Args:
        port: where the server, or nginx before it, listens.
        source: the address that the flood comes from.
    """

    def __init__(self, port: int, source: str) -> None:
        self.port = port
        self.source = source
        self.requests = 0
        self.script = ""
        self.shared = ""
        self.numbers = itertools.count(1)

    async def prepare(self) -> None:
        """Find the address of a static file, and connect the client whose token workers share."""
        async with Link(self) as link:
            page = await link.ask("GET", "attacked/")
            found = SCRIPT.search(page)
            self.script = found[1].decode() if found else "attacked/"
        async with asyncio.timeout(PATIENCE):
            self.shared = await self._shared_token()
        self.requests = 0

    async def _shared_token(self) -> str:
        """Return the token of a new client; while the server refuses clients of this address, try again."""
        while True:
            async with Link(self) as link:
                with contextlib.suppress(KeyError):  # a refusal has no token
                    return await link.token()
            await asyncio.sleep(PAUSE)

    async def run(self, worker: Worker, workers: int, seconds: float) -> None:
        """Let so many workers do their worst for so long."""
        tasks = [asyncio.ensure_future(self._repeat(worker)) for _ in range(workers)]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)

    async def _repeat(self, worker: Worker) -> None:
        while True:
            try:
                await worker(self)
            except (OSError, EOFError, asyncio.LimitOverrunError, ValueError, KeyError):
                await asyncio.sleep(PAUSE)


Worker = Callable[[Flood], Awaitable[None]]


# What one worker does, once.


async def slow_headers(flood: Flood) -> None:
    async with Link(flood) as link:
        link.writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        while not link.reader.at_eof():
            link.writer.write(b"x")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await link.reader.read(SMALL)


async def slow_bodies(flood: Flood) -> None:
    async with Link(flood) as link:
        head = request("POST", "thywill/send").replace(b"Length: 0", b"Length: %d" % MEGABYTE)
        link.writer.write(head + b" " * (MEGABYTE - 1000))
        flood.requests += 1
        while not link.reader.at_eof():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    await link.reader.read(SMALL)
            link.writer.write(b" ")
            await link.writer.drain()


async def connects(flood: Flood) -> None:
    async with Link(flood) as link:
        while True:
            await link.ask("POST", "thywill/connect", b'{"application":"attacked"}')


async def pages(flood: Flood) -> None:
    async with Link(flood) as link:
        while True:
            await link.ask("GET", "attacked/")


async def polls(flood: Flood) -> None:
    async with Link(flood) as link:
        token, cursor = await link.token(), 0
        while True:
            body = encode({"token": token, "cursor": cursor, "hold": 0})
            cursor = json.loads(await link.ask("POST", "thywill/poll", body))["cursor"]


async def sends(flood: Flood) -> None:
    async with Link(flood) as link:
        while True:
            items = [[next(flood.numbers), "x" * 200]]
            await link.ask("POST", "thywill/send", encode({"token": flood.shared, "messages": items}))


async def sessions(flood: Flood) -> None:
    async with Link(flood) as link:
        while True:
            await link.ask("POST", f"thywill/sockjs/000/{os.urandom(8).hex()}/xhr")


async def streams(flood: Flood) -> None:
    async with Link(flood) as link:
        link.writer.write(request("POST", f"thywill/sockjs/000/{os.urandom(8).hex()}/xhr_streaming"))
        flood.requests += 1
        while await link.reader.read(65536):
            pass


async def resets(flood: Flood) -> None:
    async with Link(flood) as link:
        link.writer.write(request("POST", "thywill/poll", encode({"token": flood.shared, "cursor": 0})))
        flood.requests += 1
        await asyncio.sleep(0)
        link.reset()


async def slow_readers(flood: Flood) -> None:
    async with Link(flood, small=True) as link:
        link.writer.write(request("GET", flood.script) * 4)
        flood.requests += 4
        while await link.reader.read(1):  # noqa: ASYNC110 - it reads at its own pace
            await asyncio.sleep(1)


async def unread_files(flood: Flood) -> None:
    async with Link(flood, small=True) as link:
        link.writer.transport.set_write_buffer_limits(high=SMALL)
        link.reader._transport.pause_reading()  # type: ignore[attr-defined]
        while True:
            link.writer.write(request("GET", flood.script) * 50)
            flood.requests += 50
            await link.writer.drain()
            await asyncio.sleep(0.05)


BOMB = b'{"application":"' + rb"\ud800" * (MEGABYTE // 6 - 10) + b'"}'


async def bombs(flood: Flood) -> None:
    async with Link(flood) as link:
        while True:
            await link.ask("POST", "thywill/connect", BOMB)


NUMBERS = ",".join(f"[{number},[{'1e300,' * 10_000}0]]" for number in range(1, 17))


async def large_sends(flood: Flood) -> None:
    async with Link(flood) as link:
        body = b'{"token":"%b","messages":[%b]}' % ((await link.token()).encode(), NUMBERS.encode())
        while True:
            await link.ask("POST", "thywill/send", body)


FORM = b"a=&" * (MEGABYTE // 3)


async def forms(flood: Flood) -> None:
    session = f"thywill/sockjs/000/{os.urandom(8).hex()}"
    async with Link(flood) as link:
        await link.ask("POST", f"{session}/xhr")
        while True:
            await link.ask("POST", f"{session}/jsonp_send", FORM, "application/x-www-form-urlencoded")


async def pipelining(flood: Flood) -> None:
    async with Link(flood) as link:
        many = request("GET", "thywill/health") * 1000

        async def write() -> None:
            while True:
                link.writer.write(many)
                flood.requests += 1000
                await link.writer.drain()

        writing = asyncio.ensure_future(write())
        try:
            while await link.reader.read(MEGABYTE):
                pass
        finally:
            writing.cancel()


FLOODS: dict[str, tuple[Worker, int]] = {
    "slow headers": (slow_headers, 300),
    "slow 1 MB bodies": (slow_bodies, 200),
    "connects": (connects, 20),
    "pages": (pages, 20),
    "polls with hold 0": (polls, 50),
    "sends of one client": (sends, 8),
    "SockJS sessions": (sessions, 20),
    "streams without a token": (streams, 300),
    "resets": (resets, 50),
    "slow readers": (slow_readers, 150),
    "unread static files": (unread_files, 100),
    "JSON bombs": (bombs, 20),
    "large sends": (large_sends, 20),
    "forms": (forms, 20),
    "pipelining": (pipelining, 1),
}
"""What a worker does, and how many there are."""


async def flood_for(name: str, port: int, source: str, seconds: float) -> None:
    """Flood; prints ``begun`` when it begins and the number of requests at its end."""
    worker, workers = FLOODS[name]
    flood = Flood(port, source)
    await flood.prepare()
    print("begun", flush=True)
    await flood.run(worker, workers, seconds)
    print(flood.requests, flush=True)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.attack.floods")
    parser.add_argument("name", choices=FLOODS)
    parser.add_argument("port", type=int)
    parser.add_argument("source")
    parser.add_argument("seconds", type=float)
    chosen = parser.parse_args(arguments)
    os.nice(10)  # an attacker on another machine takes no processor from the server
    asyncio.run(flood_for(chosen.name, chosen.port, chosen.source, chosen.seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
