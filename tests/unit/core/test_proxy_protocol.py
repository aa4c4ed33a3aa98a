"""Headers of the PROXY protocol, as the specification has them."""

from __future__ import annotations

import ipaddress
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.proxy_headers import V4, WHOLE, binary
from tests.support.steady import STEADY
from thywill.core.proxy_protocol import (
    LONGEST,
    LONGEST_LINE,
    NO_HEADER,
    PROXY,
    SIGNATURE,
    BadHeader,
    read,
)

REQUEST = b"POST /thywill/poll HTTP/1.1\r\n"


@pytest.mark.parametrize("header", WHOLE)
def test_a_header_names_the_browser(header: bytes) -> None:
    assert read(header) == WHOLE[header]
    assert read(header + REQUEST) == WHOLE[header]
    assert WHOLE[header].length == len(header)


@pytest.mark.parametrize("header", WHOLE)
def test_a_part_of_one_is_not_enough(header: bytes) -> None:
    for end in range(len(header)):
        assert read(header[:end]) is None


@pytest.mark.parametrize(
    "data", [REQUEST, b"GET / HTTP/1.1\r\n", b"\r\nGET", b"PROXYING", b"\x16\x03\x01", b"PUT /"]
)
def test_what_begins_otherwise_has_none(data: bytes) -> None:
    assert read(data) == NO_HEADER


BAD = [
    b"PROXY \r\n",
    b"PROXY TCP4\r\n",
    b"PROXY TCP4 203.0.113.9 192.0.2.1 51234\r\n",
    b"PROXY TCP4 203.0.113.9 192.0.2.1 51234 443 \r\n",
    b"PROXY TCP4  203.0.113.9 192.0.2.1 51234 443\r\n",
    b"PROXY TCP4 203.0.113.9 192.0.2.1 51234 65536\r\n",
    b"PROXY TCP4 203.0.113.9 192.0.2.1 -1 443\r\n",
    b"PROXY TCP4 2001:db8::9 2001:db8::1 1 2\r\n",
    b"PROXY TCP4 203.0.113.256 192.0.2.1 1 2\r\n",
    b"PROXY TCP6 203.0.113.9 192.0.2.1 1 2\r\n",
    b"PROXY UDP4 203.0.113.9 192.0.2.1 1 2\r\n",
    b"PROXY tcp4 203.0.113.9 192.0.2.1 1 2\r\n",
    b"PROXY TCP4 203.0.113.9 192.0.2.1 1 2\n\r\n",
    b"PROXY UNKNOWNS\r\n",
    b"PROXY " + b"x" * LONGEST_LINE,
    binary(0x22, 0x11, V4),
    binary(0x11, 0x11, V4),
    binary(PROXY, 0x00, b""),
    binary(PROXY, 0x12, V4),
    binary(PROXY, 0x31, b"x" * 216),
    binary(PROXY, 0x11, V4[:-1]),
    binary(PROXY, 0x21, V4),
    binary(PROXY, 0x11, V4 + b"\x20\0"),
    binary(PROXY, 0x11, V4 + b"\x20\0\x05\x01"),
    SIGNATURE + struct.pack(">BBH", PROXY, 0x11, LONGEST),
]


@pytest.mark.parametrize("data", BAD)
def test_a_bad_header_is_refused(data: bytes) -> None:
    with pytest.raises(BadHeader):
        read(data)


@given(
    st.ip_addresses(), st.ip_addresses(), st.integers(0, 65535), st.integers(0, 65535), st.binary(max_size=50)
)
@STEADY
def test_every_address_is_read(
    source: ipaddress.IPv4Address, target: ipaddress.IPv4Address, one: int, two: int, after: bytes
) -> None:
    if source.version != target.version:
        target = source
    kind, family = ("TCP4", 0x11) if source.version == 4 else ("TCP6", 0x21)
    line = f"PROXY {kind} {source} {target} {one} {two}\r\n".encode()
    packed = binary(PROXY, family, source.packed + target.packed + struct.pack(">HH", one, two))
    mapped = getattr(source, "ipv4_mapped", None)
    for header in (line, packed):
        found = read(header + after)
        assert found is not None
        assert (found.length, found.address) == (len(header), str(mapped or source))


@given(st.sampled_from([b"PROXY ", SIGNATURE, b""]), st.binary(max_size=300))
@STEADY
def test_any_bytes_are_read_or_refused(begin: bytes, rest: bytes) -> None:
    try:
        found = read(begin + rest)
    except BadHeader:
        return
    assert found is None or found.length <= len(begin + rest)


@given(st.binary(max_size=60), st.integers(0, 60))
@STEADY
def test_what_is_decided_is_decided_by_its_beginning(data: bytes, cut: int) -> None:
    for begin in (b"PROXY TCP4 ", SIGNATURE + b"\x21\x11", b""):
        try:
            early = read((begin + data)[:cut])
            late = read(begin + data)
        except BadHeader:
            continue
        assert early is None or early == late
