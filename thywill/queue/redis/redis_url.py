"""The address of Redis, which the setting ``url`` names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from redis.asyncio import Sentinel
from redis.asyncio.connection import AbstractConnection, Connection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from thywill.errors import SettingsError

SENTINELS = "sentinel"
EXAMPLES = (
    "redis://127.0.0.1:6379/0, rediss://…, unix:///run/redis/redis.sock or sentinel://host:26379,host/name"
)
SENTINEL_PORT = 26379
CONNECT = 3.0
"""Seconds to wait for a connection."""


@dataclass(frozen=True)
class RedisUrl:
    """The address of one Redis, or of the sentinels that know its address.

    Args:
        text: the address for people, without a password.
        options: keyword arguments of the connection.
        kind: the class of the connection.
        sentinels: host and port of each sentinel; empty without Sentinel.
        service: the name by which the sentinels know the Redis.
    """

    text: str
    options: Mapping[str, Any]
    kind: type[AbstractConnection] = Connection
    sentinels: tuple[tuple[str, int], ...] = ()
    service: str = ""

    async def connection(self) -> AbstractConnection:
        """Return a new connection that is not open yet.

        Raises:
            redis.exceptions.RedisError: no sentinel knows the Redis.
        """
        options = {**self.options, **await self._found()}
        return self.kind(
            **options,
            protocol=2,
            socket_timeout=None,  # ``Link`` has its own time-outs
            socket_connect_timeout=CONNECT,
            retry=Retry(NoBackoff(), 0),  # only the caller knows what may be retried, and when
        )

    async def _found(self) -> dict[str, Any]:
        if not self.sentinels:
            return {}
        times = {"socket_timeout": CONNECT, "socket_connect_timeout": CONNECT}
        sentinel = Sentinel(list(self.sentinels), **times)  # type: ignore[no-untyped-call]
        try:
            host, port = await sentinel.discover_master(self.service)
        finally:
            for each in sentinel.sentinels:
                await each.aclose()
        return {"host": host, "port": port}


def parse(url: str) -> RedisUrl:
    """Return the address that the setting names.

    Raises:
        SettingsError: ``url`` is not such an address.
    """
    try:
        return _sentinels(url) if url.startswith(f"{SENTINELS}://") else _single(url)
    except ValueError as error:
        raise SettingsError(f"[queue] url: {error}; write {EXAMPLES}") from None


def _single(url: str) -> RedisUrl:
    options: dict[str, Any] = dict(parse_url(url))
    kind: Any = options.pop("connection_class", Connection)
    parts = urlsplit(url)
    return RedisUrl(f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}", options, kind)


def _sentinels(url: str) -> RedisUrl:
    parts = urlsplit(url)
    credentials, _, hosts = parts.netloc.rpartition("@")
    service, _, database = parts.path.strip("/").partition("/")
    if not service or not hosts:
        raise ValueError("it names no service behind the sentinels")
    user, _, password = credentials.rpartition(":")
    options: dict[str, Any] = {"db": int(database or 0)}
    if password:
        options["password"] = unquote(password)
    if user:
        options["username"] = unquote(user)
    if unknown := set(parse_qs(parts.query)):
        raise ValueError(f"unknown option {min(unknown)!r}")
    addresses = tuple(_address(host) for host in hosts.split(","))
    return RedisUrl(f"{SENTINELS}://{hosts}{parts.path}", options, Connection, addresses, service)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    return host, int(port or SENTINEL_PORT)
