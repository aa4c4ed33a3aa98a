"""An HTTP connection of the Python client, opened when it is needed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable


class Broken(Exception):
    """The answer was not complete, for whatever reason."""


class Line:
    """A connection to the network, opened anew after each failure.

    Args:
        port: the network's.
        label: who is speaking.
        cookies: the browser's, shared by its pages.
        awake: waits until the browser is awake; what arrives before is not looked at.
    """

    def __init__(
        self, port: int, label: str, cookies: dict[str, str], awake: Callable[[], Awaitable[object]]
    ) -> None:
        self._port = port
        self._label = label
        self._cookies = cookies
        self._awake = awake
        self._turn = asyncio.Lock()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, path: str, body: bytes, seconds: float | None) -> tuple[int, bytes]:
        """Post ``body``; return the status and the whole answer.

        Raises:
            Broken: it did not come within ``seconds``, or was cut.
        """
        try:
            async with self._turn, asyncio.timeout(seconds):
                answer = await self._ask(path, body)
        except (OSError, EOFError, ValueError, IndexError, asyncio.LimitOverrunError, TimeoutError):
            self.close()
            raise Broken from None
        except BaseException:
            self.close()
            raise
        await self._awake()
        return answer

    async def _ask(self, path: str, body: bytes) -> tuple[int, bytes]:
        await self._send("POST", path, body)
        status, headers = await self._head()
        assert self._reader is not None
        if b"content-length" in headers:
            answer = await self._reader.readexactly(int(headers[b"content-length"]))
        elif headers.get(b"transfer-encoding") == b"chunked":
            answer = b"".join([chunk async for chunk in self._chunks()])
        else:
            answer = b""
        if headers.get(b"connection", b"").lower() == b"close":
            self.close()
        return status, answer

    async def stream(self, method: str, path: str) -> AsyncIterator[bytes]:
        """Yield the chunks of an answer as they come.

        Raises:
            Broken: it was cut, or is no stream.
        """
        try:
            await self._send(method, path, b"")
            status, headers = await self._head()
            self._check_stream(status, headers)
            async for chunk in self._chunks():
                await self._awake()
                yield chunk
        except (OSError, EOFError, ValueError, IndexError, asyncio.LimitOverrunError):
            self.close()
            raise Broken from None
        except BaseException:
            self.close()
            raise

    def _check_stream(self, status: int, headers: dict[bytes, bytes]) -> None:
        if status != 200 or headers.get(b"transfer-encoding") != b"chunked":
            raise ValueError("this is no stream")

    async def _send(self, method: str, path: str, body: bytes) -> None:
        if self._writer is None or self._writer.is_closing():
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port, limit=2**20)
        lines = [f"{method} {path} HTTP/1.1", "Host: audit", f"X-Audit: {self._label}"]
        if method == "POST":
            lines += ["Content-Type: text/plain", f"Content-Length: {len(body)}"]
        if self._cookies:
            lines.append("Cookie: " + "; ".join(f"{name}={value}" for name, value in self._cookies.items()))
        assert self._writer is not None
        self._writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    async def _head(self) -> tuple[int, dict[bytes, bytes]]:
        assert self._reader is not None
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, *lines = head[:-4].split(b"\r\n")
        headers = {}
        for line in lines:
            name, _, value = line.partition(b":")
            headers[name.lower()] = value.strip()
        if b"set-cookie" in headers:
            name, _, value = headers[b"set-cookie"].partition(b";")[0].partition(b"=")
            self._cookies.setdefault(name.decode(), value.decode())
        return int(first.split(b" ")[1]), headers

    async def _chunks(self) -> AsyncIterator[bytes]:
        assert self._reader is not None
        while True:
            size = int((await self._reader.readuntil(b"\r\n"))[:-2], 16)
            chunk = await self._reader.readexactly(size + 2)
            if not size:
                return
            yield chunk[:-2]

    def close(self) -> None:
        """Close; the next request opens another connection."""
        writer, self._writer = self._writer, None
        if writer is not None:
            with contextlib.suppress(OSError):
                writer.close()
