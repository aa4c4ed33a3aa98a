"""The addresses of ``[queue] url``: a socket of the machine, TLS, and sentinels."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from tests.support.proxied import free_port, make_certificate
from tests.support.redis_servers import RedisServer
from tests.support.shared_store import heartbeat
from tests.tools.audit.redises import Watched
from thywill.core.message import Address, Message
from thywill.errors import SettingsError
from thywill.queue.redis.options import Safe, StoreOptions
from thywill.queue.redis.store import RedisStore
from thywill.queue.shared.base import StoreUnavailable
from thywill.queue.shared.operations import Append, Cause

pytestmark = pytest.mark.gen_test


def append(number: int) -> Append:
    return Append("chat", None, Address.channel("lobby"), Message(b'"text"'), Cause("one", number))


async def appended(store: RedisStore, number: int) -> object:
    """Append a message, again until Redis is there."""
    while True:
        try:
            (position,) = await store.execute([append(number)])
        except StoreUnavailable:
            await asyncio.sleep(0.05)
        else:
            return position


async def works(url: str) -> None:
    store = RedisStore(StoreOptions(url, "thywill", Safe.MEMORY))
    await store.start(heartbeat("one"))
    try:
        position = await appended(store, 1)
        assert [entry.id for entry in await store.read_log({"chat": 0}, 0)] == [position]
    finally:
        await store.stop()


async def test_a_socket_of_the_machine(tmp_path: Path) -> None:
    server = RedisServer("redis", f"unixsocket {tmp_path / 's'}")
    try:
        await works(f"unix://{tmp_path / 's'}")
        await works(f"unix://{tmp_path / 's'}?db=1")
    finally:
        server.close()


async def test_tls(tmp_path: Path) -> None:
    make_certificate(tmp_path)
    certificate, port = tmp_path / "certificate.pem", free_port()
    files = (
        f"tls-cert-file {certificate}",
        f"tls-ca-cert-file {certificate}",
        f"tls-key-file {tmp_path}/key.pem",
    )
    server = RedisServer("redis", f"tls-port {port}", "tls-auth-clients no", *files)
    address = f"rediss://127.0.0.1:{port}/0"
    store = RedisStore(StoreOptions(address, "thywill", Safe.MEMORY))
    try:
        await works(f"{address}?ssl_ca_certs={certificate}")
        with pytest.raises(SettingsError, match=re.escape("certificate verify failed")):
            await store.start(heartbeat("one"))
    finally:
        await store.stop()
        server.close()


async def test_sentinels_say_who_is_the_master_now() -> None:
    watched = Watched(1)
    store = RedisStore(StoreOptions(watched.url(0), "thywill", Safe.REPLICAS))
    try:
        await watched.start()
        await store.start(heartbeat("one"))
        first = await appended(store, 1)
        await watched.fail_over()
        second = await appended(store, 2)
        assert [entry.id for entry in await store.read_log({"chat": 0}, 0)] == [first, second]
    finally:
        await store.stop()
        await watched.close()
