"""An evil browser: whatever it sends, in whatever pieces, nobody else notices and nobody is woken up."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st
from tornado.ioloop import IOLoop

from tests.support.serving import until
from tests.support.steady import STEADY
from tests.support.wire import chunked, request
from tests.unit.http.conftest import LogCollector, Serve, Served
from tests.unit.http.offences import LIMITS, OFFENCES
from thywill.http.shared import Timeouts

EXAMPLES = settings(STEADY, max_examples=100)
IN_CHUNKS = "Transfer-Encoding: chunked"

SEEDS = [
    request("/now"),
    request("/plain?a=b", "Cookie: a=b"),
    request("/later", "Connection: close"),
    request("/now", "Connection: keep-alive", version="1.0"),
    request("/plain", method="POST", body=b"a=b&c=d"),
    request("/upload", IN_CHUNKS, method="POST") + chunked(b"one", b"two"),
    request("/now", "Expect: 100-continue", "Content-Length: 3", method="POST") + b"abc",
    request("/now", "Connection: Upgrade", "Upgrade: websocket", body=b"ab"),
    request("/stream"),
    request("/empty"),
    request("/park"),
    request("http://test/now"),
    request(
        "/plain", "Content-Type: multipart/form-data; boundary=b", method="POST", body=b"--b\r\n\r\n--b--"
    ),
    *[offence.data for offence in OFFENCES.values()],
]
WORDS = [
    b"\r\n", b"\n", b"\r", b"\0", b" ", b"\t", b":", b"\xff", b"%", b"%zz", b"0\r\n\r\n", b"\r\n\r\n",
    b"HTTP/1.0", b"HTTP/9.9", b"CONNECT ", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"x" * 3000, b"ffffffff\r\n",
    b"Content-Length: 3\r\n", b"Content-Length: 99999999999999999999\r\n", b"Transfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: identity\r\n", b"Host: a\r\n", b"Host: \xe9,/\r\n", b"Expect: 100-continue\r\n",
    b"Connection: close\r\n", b"Connection: Upgrade\r\nUpgrade: h2c\r\n", b"X-Forwarded-For: x, ,\r\n",
    b"Content-Encoding: gzip\r\n",
]  # fmt: skip


@st.composite
def spoiled(draw: st.DrawFn) -> bytes:
    """Requests one after another, with some bytes taken away, doubled or put in."""
    data = b"".join(draw(st.lists(st.sampled_from(SEEDS), min_size=1, max_size=4)))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 20)))
        between = draw(st.sampled_from(WORDS) | st.binary(max_size=4) | st.just(data[start:end] * 2))
        data = data[:start] + between + data[end:]
    return data


@st.composite
def in_pieces(draw: st.DrawFn) -> list[bytes]:
    data = draw(spoiled() | st.binary(max_size=300))
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=6)))
    return [data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)]


def is_empty(served: Served) -> bool:
    """Tell whether the server knows no connection any more."""
    if served.tornado:
        # It does not notice that a parked browser is gone while bytes of its are unread.
        for parked in served.place.parked:
            parked.reply.send(200, b"")
    return served.connections() == 0


async def attack(served: Served, pieces: list[bytes], end: str) -> None:
    wire = await served.connect()
    for piece in pieces:
        await wire.send_whatever_goes([piece])
        await asyncio.sleep(0)
    if end != "stay":
        getattr(wire, end)()
    assert (await served.ask("/now")).status == 200
    wire.close()
    await until(lambda: is_empty(served))


def test_no_bytes_do_any_harm(io_loop: IOLoop, serve: Serve) -> None:
    served = io_loop.run_sync(lambda: serve(LIMITS, Timeouts(linger=0.1)))

    @given(in_pieces(), st.sampled_from(["stay", "close", "reset", "finish_sending"]))
    @EXAMPLES
    def try_one(pieces: list[bytes], end: str) -> None:
        io_loop.run_sync(lambda: attack(served, pieces, end))

    try_one()


def test_nothing_is_left_of_many_attackers_at_once(
    io_loop: IOLoop, serve: Serve, logged: LogCollector
) -> None:
    served = io_loop.run_sync(lambda: serve(LIMITS, Timeouts(0.1, 0.1, 0.1, 0.1, 0.1)))

    async def crowd(attacks: list[list[bytes]]) -> None:
        wires = [await served.connect() for _ in attacks]
        for wire, pieces in zip(wires, attacks, strict=True):
            await wire.send_whatever_goes(pieces)
        assert (await served.ask("/plain")).status == 200
        for wire in wires:
            wire.close()
        await until(lambda: is_empty(served))

    @given(st.lists(in_pieces(), min_size=10, max_size=30))
    @settings(STEADY, max_examples=10)
    def try_many(attacks: list[list[bytes]]) -> None:
        io_loop.run_sync(lambda: crowd(attacks))

    try_many()
    if served.tornado:
        # Tornado logs what is wrong with the rest of a body that it has given up as too late.
        logged.forget("invalid chunk size")
