"""What is a valid request for both servers means the same to both."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tornado.ioloop import IOLoop

from tests.support.steady import STEADY
from tests.support.wire import chunked, request
from tests.unit.http.conftest import Serve, Served

TOKEN = "abcXYZ019!#$%&'*+-.^_`|~"
IN_URL = "abcXYZ019-._~!$&'()*+,;=:@/?%[]{}|^`\"<>\\"
VALUE = st.text(st.characters(min_codepoint=33, max_codepoint=255, exclude_characters="\x7f") | st.just(" "))
CLOSING = ("Connection: close", "CONNECTION: Close")

# Those that frame the message or change the connection's course have tests of their own.
NAMES = st.text(TOKEN, min_size=1, max_size=20).filter(
    lambda name: (
        name.lower() not in ("host", "content-length", "transfer-encoding", "expect", "connection", "upgrade")
    )
)
BLANKS = st.text(" \t", max_size=3)


@st.composite
def headers(draw: st.DrawFn) -> list[str]:
    lines = []
    for name in draw(st.lists(NAMES, max_size=6)):
        value = "".join(char for char in draw(VALUE) if not 127 <= ord(char) < 128)
        lines.append(f"{name}:{draw(BLANKS)}{value.strip()}{draw(BLANKS)}")
    return lines


@st.composite
def valid(draw: st.DrawFn) -> bytes:
    """A request that no server may refuse."""
    target = draw(st.sampled_from(["/now", "/plain", "/later"])) + draw(
        st.just("") | st.text(IN_URL).map("?{}".format)
    )
    method = draw(st.sampled_from(["GET", "POST", "PUT", "OPTIONS"]))
    body = draw(st.none() | st.binary(max_size=300))
    lines = draw(headers())
    if body is not None and draw(st.booleans()):
        places = sorted(draw(st.lists(st.integers(0, len(body)), max_size=3)))
        pieces = [body[a:b] for a, b in zip([0, *places], [*places, len(body)], strict=True) if a < b]
        return request(target, *lines, "Transfer-Encoding: Chunked", method=method) + chunked(*pieces)
    return request(target, *lines, method=method, body=body)


@st.composite
def conversation(draw: st.DrawFn) -> list[bytes]:
    """Pipelined requests, the last of which closes, cut into pieces."""
    requests = draw(st.lists(valid(), max_size=3))
    requests.append(
        request("/plain?last", draw(st.sampled_from(CLOSING)), version=draw(st.sampled_from(["1.0", "1.1"])))
    )
    data = b"".join(requests)
    places = sorted(draw(st.lists(st.integers(0, len(data)), max_size=5)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


async def understood(served: Served, pieces: list[bytes]) -> list[Any]:
    """Return what the server says that it was asked, up to the last request."""
    wire = await served.connect()
    for piece in pieces:
        await wire.send(piece)
        await asyncio.sleep(0)
    told: list[Any] = []
    while not told or not told[-1].get("target", "").endswith("?last"):
        answer = await wire.answer()
        told.append({**answer.json, "status": answer.status, "version": answer.json["version"][-3:]})
    assert await wire.rest() == b""
    wire.close()
    return told


@pytest.mark.parametrize("kind", ["fast"], indirect=True)
def test_both_understand_the_same(io_loop: IOLoop, serve: Serve) -> None:
    async def start_both() -> tuple[Served, Served]:
        return await serve(), await serve(another="tornado")

    ours, tornados = io_loop.run_sync(start_both)

    @given(conversation())
    @settings(STEADY, max_examples=200)
    def compare(pieces: list[bytes]) -> None:
        assert io_loop.run_sync(lambda: understood(ours, pieces)) == io_loop.run_sync(
            lambda: understood(tornados, pieces)
        )

    compare()
