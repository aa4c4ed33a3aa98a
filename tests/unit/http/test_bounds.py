"""What one request may cost is bounded before it is read: by its address, and by how many may wait."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.steady import STEADY
from tests.support.wire import request
from tests.unit.http.conftest import Serve
from thywill.http.message import Refusal
from thywill.http.reader import Limits, RequestReader

SMALL = Limits(body=1000, small_body=10, small=frozenset([b"/small"]))
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


class TestSmallBodies:
    """Addresses that need no large body take none."""

    def read(self, target: str, size: int, *headers: str) -> object:
        (found,) = RequestReader(SMALL).feed(request(target, *headers, **POST, body=b"x" * size))
        return found.status if isinstance(found, Refusal) else len(found.body)

    def test_by_address(self) -> None:
        assert self.read("/small", 10) == 10
        for target in ("/small", "/small?page=x", "http://host/small"):
            assert self.read(target, 11) == 413
        assert self.read("/large", 1000) == 1000

    def test_in_chunks(self) -> None:
        chunks = b"b\r\n" + b"x" * 11 + b"\r\n0\r\n\r\n"
        arrived = RequestReader(SMALL).feed(request("/small", "Transfer-Encoding: chunked", **POST) + chunks)
        assert [each.status for each in arrived if isinstance(each, Refusal)] == [413]

    @pytest.mark.gen_test
    async def test_both_servers_ask_the_endpoint(self, serve: Serve) -> None:
        served = await serve()
        wire = await served.connect()
        assert (await wire.ask("/little", **POST, body=b"x" * 4096)).status == 200
        assert (await wire.ask("/little", **POST, body=b"x" * 4097)).status in (400, 413)
        assert served.place.asked == [b"/little"]


@given(
    st.lists(st.binary(max_size=40) | st.sampled_from([b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"]), max_size=30)
)
@STEADY
def test_reading_ends_whatever_the_bytes(pieces: list[bytes]) -> None:
    reader = RequestReader(SMALL)
    began = time.process_time()
    for piece in pieces:
        reader.feed(piece)
    assert time.process_time() - began < 5  # of this process alone: it ends, or it does not
