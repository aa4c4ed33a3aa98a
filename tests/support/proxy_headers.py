"""Headers of the PROXY protocol, and what they say."""

from __future__ import annotations

import ipaddress
import struct

from thywill.core.proxy_protocol import LOCAL, PROXY, SIGNATURE, ProxyHeader

V4 = (
    ipaddress.ip_address("203.0.113.9").packed
    + ipaddress.ip_address("192.0.2.1").packed
    + b"\xc8\x22\x01\xbb"
)
V6 = (
    ipaddress.ip_address("2001:db8::9").packed
    + ipaddress.ip_address("2001:db8::1").packed
    + b"\xc8\x22\x01\xbb"
)


def binary(command: int, family: int, rest: bytes) -> bytes:
    return SIGNATURE + struct.pack(">BBH", command, family, len(rest)) + rest


def field(kind: int, value: bytes) -> bytes:
    return struct.pack(">BH", kind, len(value)) + value


WHOLE = {
    b"PROXY TCP4 203.0.113.9 192.0.2.1 51234 443\r\n": ProxyHeader(44, "203.0.113.9"),
    b"PROXY TCP6 2001:DB8:0:0::9 2001:db8::1 51234 443\r\n": ProxyHeader(50, "2001:db8::9"),
    b"PROXY TCP6 ::ffff:203.0.113.9 ::1 1 2\r\n": ProxyHeader(39, "203.0.113.9"),
    b"PROXY UNKNOWN\r\n": ProxyHeader(15),
    b"PROXY UNKNOWN ff:ff::ff 1 2 anything\r\n": ProxyHeader(38),
    binary(PROXY, 0x11, V4): ProxyHeader(28, "203.0.113.9"),
    binary(PROXY, 0x21, V6): ProxyHeader(52, "2001:db8::9"),
    binary(LOCAL, 0x00, b""): ProxyHeader(16),
    binary(LOCAL, 0x11, V4): ProxyHeader(28),
    binary(PROXY, 0x11, V4 + field(0x03, b"\0\0\0\0") + field(0x20, b"\x01\0\0\0\0")): ProxyHeader(
        43, "203.0.113.9", True
    ),
    binary(PROXY, 0x21, V6 + field(0x20, b"\0\0\0\0\0")): ProxyHeader(60, "2001:db8::9", False),
}
