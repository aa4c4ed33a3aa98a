"""The beginning of a connection that may have a PROXY header, on our server."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tornado.netutil import bind_sockets

from tests.support.proxy_headers import V4, WHOLE, binary, field
from tests.support.serving import stopping_at_once, until
from tests.support.wire import Wire, request
from tests.unit.http.conftest import LogCollector, Served
from tests.unit.http.place import Place
from thywill.core.proxy_protocol import LOCAL, PROXY
from thywill.http.proxies import TrustedProxies
from thywill.http.reader import Limits
from thywill.http.server import FastServer
from thywill.http.shared import Timeouts

pytestmark = pytest.mark.gen_test

HEADER = b"PROXY TCP4 203.0.113.9 192.0.2.1 51234 443\r\n"
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER with no time to linger: a close becomes a reset."""
FORWARDED = ("X-Forwarded-For: 198.51.100.1", "X-Forwarded-Proto: http")


@pytest.fixture(params=["fast", "uvloop"])
def kind(request: pytest.FixtureRequest) -> str:
    """Tornado's own server does not know the protocol."""
    return str(request.param)


@asynccontextmanager
async def serving(
    *trusted: str, timeouts: Timeouts | None = None, limits: Limits | None = None
) -> AsyncIterator[Served]:
    place = Place()
    proxies = TrustedProxies(trusted or ["127.0.0.1"], scheme="https")
    server = FastServer(place.site(), limits or Limits(), timeouts or Timeouts(), proxies)
    sockets = bind_sockets(0, "127.0.0.1", backlog=128)
    await server.start(sockets)
    served = Served("fast", server, place, sockets[0].getsockname()[1])
    try:
        yield served
    finally:
        with stopping_at_once():
            await served.stop()


async def told(wire: Wire, data: bytes) -> tuple[Any, Any]:
    """Return the browser's address and its scheme, as an endpoint saw them."""
    await wire.send(data)
    answer = (await wire.answer()).json
    return answer["address"], answer["scheme"]


async def test_the_browser_is_whom_the_header_names(io_loop: Any) -> None:
    async with serving() as served:
        wire = await served.connect()
        assert await told(wire, HEADER + request()) == ("203.0.113.9", "https")
        for _ in range(3):
            assert await told(wire, request()) == ("203.0.113.9", "https")
            assert await told(wire, request(method="POST", body=b"{}")) == ("203.0.113.9", "https")


@pytest.mark.parametrize("header", [header for header, named in WHOLE.items() if named.address])
async def test_in_any_pieces(io_loop: Any, header: bytes) -> None:
    async with serving() as served:
        for size in (1, 7, len(header) - 1, len(header), len(header) + 5):
            wire, data = await served.connect(), header + request()
            for start in range(0, len(data), size):
                await wire.send(data[start : start + size])
                await asyncio.sleep(0)
            assert (await wire.answer()).json["address"] == WHOLE[header].address


async def test_version_2_says_what_the_browser_uses(io_loop: Any) -> None:
    async with serving() as served:
        for flags, scheme in ((b"\x01", "https"), (b"\0", "http")):
            header = binary(PROXY, 0x11, V4 + field(0x20, flags + b"\0\0\0\0"))
            assert await told(await served.connect(), header + request()) == ("203.0.113.9", scheme)


async def test_what_the_browser_says_of_itself_is_not_believed(io_loop: Any, logged: LogCollector) -> None:
    async with serving() as served:
        wire = await served.connect()
        assert await told(wire, HEADER + request("/now", *FORWARDED)) == ("203.0.113.9", "https")
        for _ in range(4):
            data = request("/now", *FORWARDED, method="POST", body=b"{}")
            assert await told(wire, data) == ("203.0.113.9", "https")


async def test_a_trusted_proxy_further_out_is_believed(io_loop: Any) -> None:
    async with serving("127.0.0.1", "203.0.113.9") as served:
        wire = await served.connect()
        assert await told(wire, HEADER + request("/now", *FORWARDED)) == ("198.51.100.1", "http")
        assert await told(wire, request("/now", FORWARDED[0])) == ("198.51.100.1", "https")


@pytest.mark.parametrize("header", [b"PROXY UNKNOWN\r\n", binary(LOCAL, 0, b"")])
async def test_nobody_is_believed_whom_a_header_does_not_name(io_loop: Any, header: bytes) -> None:
    async with serving() as served:
        wire = await served.connect()
        assert (await told(wire, header + request("/now", *FORWARDED)))[0] == "127.0.0.1"
        assert (await told(wire, request("/now", *FORWARDED)))[0] == "127.0.0.1"


async def test_nobody_is_named_who_resets_before_he_is_accepted(io_loop: Any) -> None:
    async with serving("unix:") as served:
        for _ in range(20):  # the loop does not run meanwhile, so none of them is accepted
            with socket.create_connection(("127.0.0.1", served.port)) as sock:
                sock.sendall(HEADER + request("/park", method="POST", body=b"x"))
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        assert (await served.ask()).status == 200
        await served.empty()
        assert served.place.park_peers <= {"127.0.0.1"}


async def test_the_proxy_may_speak_without_a_header(io_loop: Any) -> None:
    async with serving() as served:
        wire = await served.connect()
        assert await told(wire, request()) == ("127.0.0.1", "http")
        assert await told(wire, request("/now", *FORWARDED)) == ("198.51.100.1", "http")


async def test_from_nobody_else_it_is_a_header(io_loop: Any) -> None:
    async with serving("10.0.0.1") as served:
        wire = await served.connect()
        await wire.send(HEADER + request())
        assert (await wire.answer()).status == 400
        assert await told(await served.connect(), request()) == ("127.0.0.1", "http")


async def test_a_second_header_is_a_malformed_request(io_loop: Any) -> None:
    async with serving() as served:
        wire = await served.connect()
        await wire.send(HEADER + HEADER + request())
        assert (await wire.answer()).status == 400


@pytest.mark.parametrize("data", [b"PROXY TCP4 nonsense\r\n", binary(PROXY, 0x31, b"x" * 216)])
async def test_a_bad_header_is_the_end_and_is_logged(io_loop: Any, logged: LogCollector, data: bytes) -> None:
    async with serving() as served:
        served.server.shared.proxies._next_unreadable = 0
        wire = await served.connect()
        await wire.send_whatever_goes([data + request()])
        await until(lambda: logged.holds("PROXY header that cannot be read"))
        await served.empty()


async def test_who_says_nothing_is_cut(io_loop: Any) -> None:
    async with serving(timeouts=Timeouts(idle=0.05)) as served:
        for begin in (b"", b"PROXY TC", b"\r\n\r\n"):
            wire = await served.connect()
            await wire.send(begin)
            await until(lambda: served.connections() == 1)
            await served.empty()


@pytest.mark.parametrize("end", [Wire.close, Wire.reset])
async def test_nothing_is_left_of_who_goes_before(io_loop: Any, end: Callable[[Wire], None]) -> None:
    async with serving() as served:
        wire = await served.connect()
        await wire.send(HEADER[:10])
        await until(lambda: served.connections() == 1)
        end(wire)
        await served.empty()


async def test_each_browser_has_its_own_limits(io_loop: Any, logged: LogCollector) -> None:
    async with serving(limits=Limits(connections=2)) as served:
        wires = [await served.connect() for _ in range(3)]
        for wire in wires[:2]:
            await told(wire, HEADER + request())
        await wires[2].send(HEADER + request())
        assert (await wires[2].answer()).status == 429
        assert await told(await served.connect(), HEADER.replace(b".9 ", b".8 ") + request()) == (
            "203.0.113.8",
            "https",
        )
