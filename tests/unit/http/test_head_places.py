"""Where the parts of the last request of a connection were: the cache tries these places first."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.steady import STEADY
from tests.unit.http.known_heads import STRANGER, fields_of, find, found, keep, post, read, table
from thywill.http.heads import PLACE_BITS, Heads
from thywill.http.reader import Limits


class TestPlaces:
    """Where the parts of the connection's last request were: tried first, and never believed."""

    HERE, LATER = post("/now", body=b"ab"), post("/now", "Cookie: a=b", body=b"ab")

    def places(self, heads: Heads, data: bytes) -> int:
        keep(heads, data)
        places = found(heads, data).places
        assert places
        return places

    def test_they_are_counted_from_the_end_of_the_request_line(self) -> None:
        heads = table()
        places = self.places(heads, self.HERE)
        for target in ("/now", "/now?a=b", "/a/longer/one"):
            data = post(target, body=b"cd" * 100)
            again = heads.find(data, STRANGER, places, trusted=False)
            assert again is not None
            assert fields_of(again) == fields_of(read(data)) | {"peer": STRANGER}

    @pytest.mark.parametrize("size", [0, 1, 9, 10, 11, 98, 99, 100, 101, 999, 1000, 1001, 9_999, 10_000])
    def test_they_are_right_for_a_body_of_any_length(self, size: int) -> None:
        heads = table(limits=Limits(small_body=200_000))
        places = self.places(heads, self.HERE)
        # The body ends with an empty line, so a search from the end does not find the head.
        data = post("/now", body=b"x" * (size - 4) + b"\r\n\r\n"[:size])
        known = heads.find(data, STRANGER, places, trusted=False)
        assert known is not None
        assert known.head + known.body == data
        assert known.places == places

    def test_a_search_finds_the_same_places(self) -> None:
        heads = table()
        sizes = (2, 20, 200, 2000)
        assert len({self.places(heads, post("/now", body=b"x" * size)) for size in sizes}) == 1

    def test_a_longer_number_is_no_fault(self) -> None:
        limits = Limits(small_body=200_000)
        heads, data = table(limits=limits), post("/now", body=b"x" * 100_000)
        known = heads.find(data, STRANGER, self.places(heads, self.HERE), trusted=False)
        assert known is not None
        assert known.head + known.body == data

    def test_of_another_head_they_do_no_harm(self) -> None:
        heads = table()
        wrong = self.places(heads, self.LATER)
        keep(heads, self.HERE)
        for data in (self.HERE, self.LATER, post("/now", body=self.LATER), post("/now", body=b"")):
            known = heads.find(data, STRANGER, wrong, trusted=False)
            assert known is None or fields_of(known) == fields_of(read(data)) | {"peer": STRANGER}
        assert heads.find(post("/now", "Cookie: new"), STRANGER, wrong, trusted=False) is None

    def test_the_length_has_to_be_that_of_the_body(self) -> None:
        heads = table()
        places = self.places(heads, self.HERE)
        for data in (self.HERE + b"c", self.HERE[:-1]):
            assert heads.find(data, STRANGER, places, trusted=False) is None

    def test_an_empty_line_in_the_body_does_not_hide_the_head(self) -> None:
        heads = table()
        places, data = self.places(heads, self.HERE), post("/now", body=b"a\r\n\r\nb")
        assert find(heads, data, STRANGER) is None
        known = heads.find(data, STRANGER, places, trusted=False)
        assert known is not None
        assert (known.body, known.head + known.body) == (b"a\r\n\r\nb", data)

    @given(st.data())
    @settings(STEADY, max_examples=300)
    def test_wherever_they_are(self, draw: st.DataObject) -> None:
        heads = table()
        keep(heads, self.HERE)
        keep(heads, self.LATER)
        body = draw.draw(st.sampled_from([b"", b"ab", b"\r\n\r\n", self.HERE, b"Content-Length: 2\r\n\r\n"]))
        data = post("/now", *draw.draw(st.sampled_from([(), ("Cookie: a=b",), ("X: y",)])), body=body)
        data = data[: draw.draw(st.integers(0, len(data)))] + draw.draw(
            st.sampled_from([b"", b"\r\n\r\n", data])
        )
        true = [self.places(heads, self.HERE), self.places(heads, self.LATER)]
        anywhere = st.builds(
            lambda begin, others: others << PLACE_BITS | begin, st.integers(0, 300), st.integers(0, 300)
        )
        places = draw.draw(st.one_of(st.sampled_from(true), anywhere))
        known = heads.find(data, STRANGER, places, trusted=False)
        if known is not None:
            assert fields_of(known) == fields_of(read(data)) | {"peer": STRANGER}
