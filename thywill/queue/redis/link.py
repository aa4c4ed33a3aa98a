"""A connection to Redis that is opened when it is needed, and opened again after it broke."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from redis.asyncio.connection import AbstractConnection
from redis.exceptions import (
    AuthenticationError,
    AuthenticationWrongNumberOfArgsError,
    BusyLoadingError,
    NoPermissionError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)

from thywill.queue.redis.redis_url import RedisUrl
from thywill.queue.shared.base import StoreUnavailable

Command = Sequence[str | bytes | int | float]

ANSWER = 5.0
"""Seconds to wait for an answer, in addition to the time for which a command blocks."""

TRANSIENT = (ReadOnlyError, BusyLoadingError)


class WrongPassword(StoreUnavailable):
    """Redis refuses the user or the password, or the user may not run a command."""


class Link:
    """One connection, used by one call at a time.

    Args:
        url: the address of Redis.
        name: what ``CLIENT LIST`` of Redis shows.

    ``opened`` counts the connections that were made.
    """

    def __init__(self, url: RedisUrl, name: str) -> None:
        self._url = url
        self._name = name
        self._connection: AbstractConnection | None = None
        self.opened = 0
        self._busy = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether there is a connection; it may have broken without our knowledge."""
        return self._connection is not None

    async def call(self, *command: str | bytes | int | float, block: float = 0) -> Any:
        """Send one command and return its answer; bytes are not decoded.

        Args:
            command: the command and its arguments.
            block: seconds that Redis may wait before it answers.

        Raises:
            StoreUnavailable: there is no answer.
            ResponseError: Redis refuses the command.
        """
        (answer,) = await self.pipeline([command], block)
        if isinstance(answer, ResponseError):
            raise answer
        return answer

    async def pipeline(self, commands: Sequence[Command], block: float = 0) -> list[Any]:
        """Send several commands at once; return the answer of each, or its ``ResponseError``.

        Raises:
            StoreUnavailable: some answer is missing.
        """
        async with self._busy:
            connection = await self._connected()
            try:
                async with asyncio.timeout(ANSWER + block):
                    await connection.send_packed_command(connection.pack_commands(commands))
                    return [await self._answer(connection) for _ in commands]
            except (RedisError, OSError) as error:
                await self.close()
                raise StoreUnavailable(self._line(error), unsure=True) from None
            except BaseException:  # also when the task is cancelled: an answer is still on its way
                await self.close()
                raise

    @staticmethod
    async def _answer(connection: AbstractConnection) -> Any:
        try:
            return await connection.read_response(disable_decoding=True)
        except TRANSIENT:
            raise
        except ResponseError as error:
            return error

    async def _connected(self) -> AbstractConnection:
        if self._connection is not None:
            return self._connection
        try:
            async with asyncio.timeout(ANSWER):
                connection = await self._url.connection()
                await connection.connect()  # type: ignore[no-untyped-call]
                await connection.send_command("CLIENT", "SETNAME", self._name)
                await connection.read_response()
        except (AuthenticationError, AuthenticationWrongNumberOfArgsError, NoPermissionError) as error:
            raise WrongPassword(self._line(error)) from None
        except (RedisError, OSError) as error:
            if "NOAUTH" in str(error) or "WRONGPASS" in str(error):
                raise WrongPassword(self._line(error)) from None
            raise StoreUnavailable(self._line(error)) from None
        self._connection = connection
        self.opened += 1
        return connection

    def _line(self, error: Exception) -> str:
        text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
        return f"Redis at {self._url.text}: {text}"

    async def close(self) -> None:
        """Close the connection; the next call opens a new one."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.disconnect(nowait=True)

    # Messages that Redis pushes (publish and subscribe).

    async def subscribe(self, *channels: str) -> None:
        """Subscribe to channels of Redis; ``published`` returns their messages.

        Raises:
            StoreUnavailable: Redis cannot be reached.
        """
        await self.call("SUBSCRIBE", *channels)  # for all but the first, ``published`` reads the answer

    async def published(self) -> tuple[bytes, bytes]:
        """Wait for the next message in the subscribed channels; return the channel and the message.

        Raises:
            StoreUnavailable: the connection broke.
        """
        connection = self._connection
        if connection is None:
            raise StoreUnavailable("the connection is closed")
        try:
            while True:
                kind, channel, data = await connection.read_response(disable_decoding=True)
                if kind == b"message":
                    return bytes(channel), bytes(data)
        except (RedisError, OSError) as error:
            await self.close()
            raise StoreUnavailable(self._line(error)) from None
