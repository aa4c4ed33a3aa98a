"""A client that sends any bytes, and reads answers strictly."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

SMALL_BUFFER = 4096
LARGE_BUFFER = 1024 * 1024


class Ended(Exception):
    """The server closed the connection before the answer was complete; ``args`` holds what had arrived."""


@dataclass
class Answer:
    """One answer; the names of its headers in lower case."""

    status: int
    version: str
    headers: list[tuple[str, str]]
    body: bytes = b""
    chunks: list[bytes] = field(default_factory=list)

    def header(self, name: str) -> str | None:
        """Return the one header called ``name``, or None."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) < 2, f"the header {name} came {len(values)} times"
        return values[0] if values else None

    @property
    def json(self) -> Any:
        """The body's JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of the error on the wire."""
        return str(self.json["error"]["code"])


def request(
    target: str = "/now",
    *headers: str,
    method: str = "GET",
    body: bytes | None = None,
    version: str = "1.1",
    host: str | None = "test",
) -> bytes:
    """Return a request; one with a ``body`` gets its Content-Length."""
    lines = [f"{method} {target} HTTP/{version}", *headers]
    if host is not None:
        lines.append(f"Host: {host}")
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def chunked(*chunks: bytes) -> bytes:
    """Return a body in chunks, with its end."""
    return b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])


class Wire:
    """The client's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self._loop = asyncio.get_running_loop()
        self._sock = sock
        self._received = bytearray()

    @classmethod
    async def connect(cls, port: int, *, slow: bool = False) -> Wire:
        """Return a connection to ``port``; a ``slow`` one takes in little while nobody reads."""
        sock = socket.socket()
        sock.setblocking(False)
        # Each part is sent as its own segment, not joined with the next one.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if slow:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
        try:
            await asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port))
        except (OSError, asyncio.CancelledError):
            sock.close()
            raise
        return cls(sock)

    @property
    def address(self) -> tuple[str, int]:
        """This end's address and port."""
        host, port = self._sock.getsockname()
        return host, port

    async def send(self, data: bytes) -> None:
        """Send all of ``data``."""
        await self._loop.sock_sendall(self._sock, data)

    async def send_whatever_goes(self, pieces: Iterable[bytes]) -> int:
        """Send ``pieces`` until the server closes; return how many bytes went."""
        sent = 0
        with contextlib.suppress(ConnectionError):
            for piece in pieces:
                await self.send(piece)
                sent += len(piece)
        return sent

    async def ask(self, target: str = "/now", *headers: str, **fields: Any) -> Answer:
        """Send a request and return its answer."""
        await self.send(request(target, *headers, **fields))
        return await self.answer(head=fields.get("method") == "HEAD")

    async def answer(self, *, head: bool = False) -> Answer:
        """Return the next answer; one to HEAD has no body."""
        top = await self._until(b"\r\n\r\n")
        answer = _parse_head(top.decode("latin-1"))
        if head or answer.status in (204, 304) or answer.status < 200:
            return answer
        length = answer.header("content-length")
        if answer.header("transfer-encoding") == "chunked":
            assert length is None, "an answer with two lengths"
            await self._read_chunks(answer)
        elif length is not None:
            answer.body = await self.exactly(int(length))
        else:
            answer.body = await self.rest()
        return answer

    async def _read_chunks(self, answer: Answer) -> None:
        while True:
            size = int((await self._until(b"\r\n"))[:-2], 16)
            chunk = await self.exactly(size)
            assert await self.exactly(2) == b"\r\n", "a chunk without its end"
            if not size:
                break
            answer.chunks.append(chunk)
        answer.body = b"".join(answer.chunks)

    async def _until(self, end: bytes) -> bytes:
        while end not in self._received:
            await self._more()
        return await self.exactly(self._received.index(end) + len(end))

    def has_ended(self) -> bool:
        """Tell whether the server has closed the connection or has sent something."""
        try:
            self._sock.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except ConnectionError:
            pass
        return True

    async def exactly(self, count: int) -> bytes:
        """Return the next ``count`` bytes."""
        while len(self._received) < count:
            await self._more()
        data = bytes(self._received[:count])
        del self._received[:count]
        return data

    async def rest(self) -> bytes:
        """Return everything up to the connection's end."""
        try:
            while True:
                await self._more()
        except Ended:
            data = bytes(self._received)
            self._received.clear()
            return data

    async def _more(self) -> None:
        try:
            data = await self._loop.sock_recv(self._sock, 65536)
        except ConnectionError:
            data = b""
        if not data:
            raise Ended(bytes(self._received))
        self._received += data

    def hurry(self) -> None:
        """Read at full speed from now on."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, LARGE_BUFFER)

    def finish_sending(self) -> None:
        """Close the sending direction only."""
        with contextlib.suppress(OSError):  # the server was faster
            self._sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Close as a crash does, with a reset."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def close(self) -> None:
        """Close."""
        self._sock.close()


def _parse_head(text: str) -> Answer:
    first, *lines = text.removesuffix("\r\n\r\n").split("\r\n")
    version, status, _ = first.split(" ", 2)
    headers = [line.split(": ", 1) for line in lines]
    return Answer(int(status), version, [(name.lower(), value) for name, value in headers])
