"""The relay before Redis: what it refuses, and what it lets through late."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from tests.tools.audit.relay import Relay

pytestmark = pytest.mark.gen_test


async def test_what_was_swallowed_arrives_later_from_a_connection_that_was_given_up() -> None:
    came: asyncio.Queue[bytes] = asyncio.Queue()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.put_nowait(await reader.read())
        writer.close()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    relay = Relay(server.sockets[0].getsockname()[1])
    await relay.start()
    relay.swallow()
    _, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(b"too late")
    writer.close()
    await writer.wait_closed()
    assert came.empty()
    await relay.heal()
    assert await came.get() == b"too late"
    await relay.close()
    server.close()
    await server.wait_closed()


async def test_it_refuses_and_accepts_again() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    relay = Relay(server.sockets[0].getsockname()[1])
    await relay.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    await relay.refuse()
    with contextlib.suppress(OSError):
        assert await reader.read() == b""
    writer.close()
    with pytest.raises(OSError):
        await asyncio.open_connection("127.0.0.1", relay.port)
    await relay.heal()
    reader, writer = await asyncio.open_connection("127.0.0.1", relay.port)
    writer.write(b"hello")
    assert await reader.read() == b"hello"
    writer.close()
    await relay.close()
    server.close()
    await server.wait_closed()
