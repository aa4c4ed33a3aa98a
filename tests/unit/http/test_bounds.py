"""What one request may cost is bounded before it is read: by its address, and by how many may wait."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.steady import STEADY
from tests.support.wire import chunked, request
from tests.unit.http.conftest import Serve
from thywill.errors import NotFound
from thywill.http.message import Refusal
from thywill.http.reader import Limits, RequestReader
from thywill.http.request import Request

SMALL = Limits(body=1000, small_body=10)
POST = {"method": "POST"}


class TestPipeline:
    """No more requests are read at once than may wait."""

    @pytest.mark.parametrize("piece", [1, 2, 3, 17, 1000, 65_536])
    @pytest.mark.parametrize("body", [b"", b"\r\n\r\n" * 5])
    def test_inside_of_one_piece_too(self, piece: int, body: bytes) -> None:
        count = 300
        data = request("/now", **POST, body=body) * count if body else request("/now") * count
        reader, seen = RequestReader(Limits(pipeline=4)), 0
        for start in range(0, len(data), piece):
            arrived = reader.feed(data[start : start + piece])
            while arrived:
                assert len(arrived) <= 4
                seen += len(arrived)
                arrived = reader.feed(b"")
        assert (seen, reader.between) == (count, True)

    @given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n\r\n", b"GET / HTTP/1.0\r\n", b"x"]), max_size=200))
    @STEADY
    def test_whatever_arrives(self, pieces: list[bytes]) -> None:
        reader = RequestReader(Limits(pipeline=3))
        arrived = reader.feed(b"".join(pieces))
        assert len(arrived) <= 3 + (1 if arrived and isinstance(arrived[-1], Refusal) else 0)

    def test_a_body_of_line_ends_is_read_in_one_piece(self, monkeypatch: pytest.MonkeyPatch) -> None:
        body = b"\r\n\r\n" * 200_000
        reader, fed = RequestReader(Limits()), []
        parse = RequestReader._parse
        monkeypatch.setattr(RequestReader, "_parse", lambda self, piece: fed.append(1) or parse(self, piece))
        (whole,) = reader.feed(request("/", **POST, body=body))
        assert not isinstance(whole, Refusal)
        assert (whole.body, len(fed) < 50) == (body, True)


def admit(request: Request, size: int) -> int | None:
    """Admit bodies at one address only."""
    if request.path == b"/unknown":
        raise NotFound("there is no such session")
    return None if request.path == b"/large" else 20


class TestBodies:
    """A body that is not small is read where the endpoint says so, by the head of its request."""

    def read(self, target: str, size: int, *headers: str) -> object:
        data = request(target, *headers, **POST, body=b"x" * size)
        (found,) = RequestReader(SMALL, admit).feed(data)
        return found.status if isinstance(found, Refusal) else len(found.body)

    def test_by_address(self) -> None:
        for target in ("/unknown", "/", "/large"):
            assert self.read(target, 10) == 10
        assert [self.read("/", 20), self.read("/", 21)] == [20, 413]
        for target in ("/unknown", "/unknown?page=x", "http://host/unknown"):
            assert self.read(target, 11) == 404
        assert [self.read("/large", 1000), self.read("/large", 1001)] == [1000, 413]

    def test_in_chunks(self) -> None:
        def read(target: str, size: int) -> object:
            head = request(target, "Transfer-Encoding: chunked", **POST)
            arrived = RequestReader(SMALL, admit).feed(head + chunked(*[b"x"] * size))
            return next(each.status if isinstance(each, Refusal) else len(each.body) for each in arrived)

        assert [read("/", 20), read("/", 21), read("/unknown", 11)] == [20, 413, 404]
        assert [read("/large", 1000), read("/large", 1001)] == [1000, 413]

    def test_nothing_is_read_of_a_body_that_is_refused(self) -> None:
        reader = RequestReader(SMALL, admit)
        head, _, body = request("/", **POST, body=b"x" * 21).rpartition(b"\r\n\r\n")
        (refusal,) = reader.feed(head + b"\r\n\r\n")
        assert isinstance(refusal, Refusal)
        assert reader.feed(body) == []
        assert reader.held == 0

    @pytest.mark.gen_test
    async def test_both_servers_ask_the_endpoint(self, serve: Serve) -> None:
        served = await serve()
        for target, size, status in [
            ("/limited", 4096, 200),
            ("/limited", 4097, 413),
            ("/limited?limit=5000", 5000, 200),
            ("/limited?limit=5000", 5001, 413),
            ("/limited?unknown", 4096, 200),
            ("/limited?unknown", 4097, 404),
        ]:
            wire = await served.connect()
            # The head alone: the answer must not wait for a body that nobody wants.
            await wire.send(request(target, f"Content-Length: {size}", **POST))
            if status == 200:
                await wire.send(b"x" * size)
            assert (await wire.answer()).status == status
        assert len(served.place.asked) == 3
        assert served.place.limited["small_body"] == 2

    @pytest.mark.gen_test
    async def test_in_chunks_on_both_servers(self, serve: Serve) -> None:
        served = await serve()
        wire = await served.connect()
        in_chunks = {"method": "POST"}
        await wire.send(request("/limited", "Transfer-Encoding: chunked", **in_chunks) + chunked(b"x" * 4096))
        assert (await wire.answer()).status == 200
        await wire.send(request("/limited", "Transfer-Encoding: chunked", **in_chunks) + chunked(b"x" * 4097))
        assert (await wire.answer()).status in (400, 413)  # Tornado's own words


@given(
    st.lists(st.binary(max_size=40) | st.sampled_from([b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]), max_size=30)
)
@STEADY
def test_reading_ends_whatever_the_bytes(pieces: list[bytes]) -> None:
    reader = RequestReader(SMALL, admit)
    began = time.process_time()
    for piece in pieces:
        reader.feed(piece)
    assert time.process_time() - began < 5  # of this process alone: it ends, or it does not
