"""One spelling for each IP address, and the share that it counts to."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from thywill.core.address import LONGEST, normalize, share_of

SPELLINGS = {
    "127.0.0.1": "127.0.0.1",
    " 203.0.113.9\t": "203.0.113.9",
    "::ffff:127.0.0.1": "127.0.0.1",
    "::FFFF:7f00:1": "127.0.0.1",
    "[::ffff:10.0.0.7]:443": "10.0.0.7",
    "203.0.113.9:51234": "203.0.113.9",
    "[::1]:80": "::1",
    "[2001:DB8:0:0::1]": "2001:db8::1",
    "2001:0db8:0000::0001": "2001:db8::1",
    "::": "::",
    "fe80::1%eth0": "fe80::1",
    "[fe80::1%25eth0]:80": "fe80::1",
}
NO_ADDRESSES = [
    "",
    "unix:",
    "unknown",
    "localhost",
    "example.org:80",
    "_hidden",
    "1.2.3",
    "1.2.3.4.5",
    "256.1.1.1",
    "010.0.0.1",
    "1.2.3.4:",
    "1.2.3.4:123456",
    "1.2.3.4%eth0",
    "[1.2.3.4",
    "[1.2.3.4]:80",
    "::1]",
    "[::1]80",
    ":::1",
    "1::2::3",
    "12345::",
    "127.0.0.1\n127.0.0.2",
    "127.0.0.1, 10.0.0.1",
    "١٢٧.0.0.1",
    "fe80::1%",
    "fe80::1%a b",
]


def address_of(groups: list[int]) -> ipaddress.IPv6Address:
    """Return the address of eight groups of 16 bits."""
    return ipaddress.IPv6Address(":".join(f"{group:x}" for group in groups))


@pytest.mark.parametrize("text", SPELLINGS)
def test_one_spelling_for_each_address(text: str) -> None:
    assert normalize(text) == SPELLINGS[text]


@pytest.mark.parametrize("text", NO_ADDRESSES)
def test_anything_else_is_no_address(text: str) -> None:
    assert normalize(text) is None


def test_a_zone_of_3000_characters_is_no_address() -> None:
    assert normalize("fe80::1%" + "A" * 3000) is None
    assert normalize("fe80::1%" + "A" * (LONGEST - 8)) == "fe80::1"


@given(st.ip_addresses())
def test_a_canonical_address_stays_as_it_is(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    once = normalize(str(address))
    assert once is not None
    assert normalize(once) == once


@given(st.text(alphabet="0123456789abcdef:.%[] ", max_size=100) | st.text(max_size=100))
def test_any_text_is_an_address_or_none(text: str) -> None:
    address = normalize(text)
    assert address is None or str(ipaddress.ip_address(address)) == address


@pytest.mark.parametrize(
    ("address", "share"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("::1", "::/64"),
        ("", ""),
        ("no:address", "no:address"),
        ("unix:", "unix:"),
        (":1::2", ":1::2"),
        ("1::2::3", "1::2::3"),
        ("1:2:3:4:5:6:7:", "1:2:3:4:5:6:7:"),
        ("1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8:9"),
        ("1:2:3:4:5:6:7:8::", "1:2:3:4:5:6:7:8::"),
    ],
)
def test_an_ipv6_network_is_one_share(address: str, share: str) -> None:
    assert share_of(address) == share


@given(
    st.ip_addresses(v=6) | st.lists(st.sampled_from([0, 1, 0xFFFF]), min_size=8, max_size=8).map(address_of)
)
def test_the_share_of_any_ipv6_address_is_its_network(address: ipaddress.IPv6Address) -> None:
    network = ipaddress.IPv6Network((int(address) >> 64 << 64, 64))
    assert share_of(str(address)) == str(network)
