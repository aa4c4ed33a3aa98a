"""A text around one piece: compressed once, and whole with every piece."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.steady import STEADY
from thywill.client_interface.precompressed import STORED, PrecompressedTemplate

TEXTS = st.binary(max_size=2000) | st.text(alphabet="abc <>\n", max_size=2000).map(str.encode)


@given(TEXTS, TEXTS, st.lists(TEXTS, max_size=3))
@STEADY
def test_it_is_the_same_text_for_each_piece(before: bytes, after: bytes, pieces: list[bytes]) -> None:
    template = PrecompressedTemplate(before, after)
    for piece in pieces:
        assert template.plain(piece) == before + piece + after
        assert gzip.decompress(template.zipped(piece)) == before + piece + after


@pytest.mark.parametrize("size", [0, 1, STORED - 1, STORED, STORED + 1, 3 * STORED])
def test_a_piece_of_any_size(size: int) -> None:
    assert (
        gzip.decompress(PrecompressedTemplate(b"<p>", b"</p>").zipped(b"x" * size))
        == b"<p>" + b"x" * size + b"</p>"
    )


def test_what_does_not_differ_is_small() -> None:
    assert len(PrecompressedTemplate(b"<p>word</p>" * 1000, b"</html>").zipped(b"piece")) < 200
