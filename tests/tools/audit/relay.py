"""A relay between a server and Redis, which can be cut: with or without a word, as networks break."""

from __future__ import annotations

import asyncio
import contextlib

from tests.tools.audit.server import free_port

CHUNK = 65536


class Relay:
    """Forwards connections to the port ``target``, which may change while it is cut.

    ``refuse`` closes all connections and accepts no others. ``swallow`` keeps them, and lets nothing through:
    what was sent arrives after ``heal``, also from connections that were given up.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = free_port()
        self._server: asyncio.Server | None = None
        self._open = asyncio.Event()
        self._open.set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen, always on the same port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)

    async def refuse(self) -> None:
        """Break all connections, and accept none."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    def swallow(self) -> None:
        """Let nothing through, with all connections open."""
        self._open.clear()

    async def heal(self) -> None:
        """Forward again."""
        self._open.set()
        if self._server is None:
            await self.start()

    async def close(self) -> None:
        """End."""
        await self.refuse()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            await self._open.wait()
            await self._forward(reader, writer)
        except OSError:
            pass
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, to = await asyncio.open_connection("127.0.0.1", self.target)
        self._writers.add(to)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._pipe(reader, to))
                group.create_task(self._pipe(there, writer))
        finally:
            self._writers.discard(to)
            to.close()

    async def _pipe(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, RuntimeError):  # uvloop's error where the transport is closed
            while data := await reader.read(CHUNK):
                await self._open.wait()
                writer.write(data)
                await writer.drain()
        writer.close()
