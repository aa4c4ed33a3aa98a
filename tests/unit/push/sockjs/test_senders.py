"""Forms: the field of a browser's form, and forms that nobody's browser has sent."""

from __future__ import annotations

import contextlib
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.steady import STEADY
from thywill.push.sockjs.frames import BadInput
from thywill.push.sockjs.senders import FIELDS, field_of


@given(st.dictionaries(st.text("abd", min_size=1), st.text(), max_size=5))
@STEADY
def test_a_form_is_read_as_the_library_reads_it(fields: dict[str, str]) -> None:
    form = urlencode(fields)
    assert dict(parse_qsl(form, keep_blank_values=True)) == fields
    assert field_of(form.encode(), b"d").decode() == fields.get("d", "")


@given(st.binary())
@STEADY
def test_any_bytes_are_a_form_or_refused(form: bytes) -> None:
    with contextlib.suppress(BadInput):
        field_of(b"d=" + form, b"d")


@pytest.mark.parametrize(
    ("form", "value"),
    [
        (b"d=1&d=2", b"2"),
        (b"d=a+b%2b", b"a b+"),
        (b"d=%5Bx%5d", b"[x]"),
        (rb"d=\n\x41\u0041\\", rb"\n\x41\u0041\\"),
        ("d=ü".encode(), "ü".encode()),
        (b"d", b""),
        (b"", b""),
        (b"e=1", b""),
    ],
)
def test_odd_forms(form: bytes, value: bytes) -> None:
    assert field_of(form, b"d") == value


@pytest.mark.parametrize("form", [b"a=&" * FIELDS, b"d=%", b"d=%5", b"d=%zz", b"d=%5g"])
def test_forms_that_are_refused(form: bytes) -> None:
    with pytest.raises(BadInput):
        field_of(form, b"d")
