"""The PROXY protocol of HAProxy, versions 1 and 2: a connection's first bytes tell the browser's address.

A proxy that forwards bytes and not requests, such as nginx's ``stream``, cannot add X-Forwarded-For. So it
writes a line of text, or the same in binary, before the browser's bytes:

    PROXY TCP4 203.0.113.9 192.0.2.1 51234 443      version 1: the browser is at 203.0.113.9
    PROXY UNKNOWN                                   the proxy's own connection, such as a health check
    signature, 0x21, 0x11, 0x000c, addresses        version 2: PROXY, TCP over IPv4, 12 bytes follow
    signature, 0x20, 0x00, 0x0000                   LOCAL: the proxy's own connection

No HTTP request begins like this: there is no method ``PROXY``, and no request begins with the signature of
version 2.
"""

from __future__ import annotations

import ipaddress
import re
import struct
from typing import NamedTuple

FIRST = b"PROXY "
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
LONGEST_LINE = 107
"""The most bytes of a header of version 1, with its line end."""
FIXED = 16
"""Bytes of a header of version 2 before the addresses."""
LONGEST = 2048
"""The most bytes of a header of version 2; the specification allows receivers a limit of 536 or more."""
LINE = re.compile(
    rb"PROXY (TCP4|TCP6) ([0-9A-Fa-f.:]{2,39}) ([0-9A-Fa-f.:]{2,39}) ([0-9]{1,5}) ([0-9]{1,5})\r\n"
)
UNKNOWN = re.compile(rb"PROXY UNKNOWN( [^\r\n]*)?\r\n")
LOCAL, PROXY = 0x20, 0x21
TCP4, TCP6 = 0x11, 0x21
SIZES = {TCP4: 4, TCP6: 16}
"""Bytes of an address, by family."""
PORTS = 4
TLS = 0x20
"""The type of the field about TLS; the lowest bit of its first byte says whether the browser uses TLS."""


class BadHeader(Exception):
    """The bytes begin like a header of the PROXY protocol, but are malformed or too long."""


class ProxyHeader(NamedTuple):
    """A header of the PROXY protocol.

    Args:
        length: bytes of the header.
        address: the browser's address; empty on the proxy's own connection.
        is_secure: whether the browser uses TLS; None if the header does not tell.
    """

    length: int
    address: str = ""
    is_secure: bool | None = None


NO_HEADER = ProxyHeader(0)
"""The connection has no such header."""


def read(data: bytes) -> ProxyHeader | None:
    """Read the header at the beginning of ``data``, the first bytes of a connection.

    Returns:
        the header; ``NO_HEADER`` if ``data`` begins with none; None if more bytes are needed.

    Raises:
        BadHeader: ``data`` begins like a header, but is malformed or too long.
    """
    if data.startswith(SIGNATURE):
        return _read_binary(data)
    if data.startswith(FIRST):
        return _read_line(data)
    begins = SIGNATURE.startswith(data) or FIRST.startswith(data)
    return None if begins else NO_HEADER


def _read_line(data: bytes) -> ProxyHeader | None:
    end = data.find(b"\r\n", 0, LONGEST_LINE) + 2
    if end < 2:
        if len(data) >= LONGEST_LINE:
            raise BadHeader("its line has no end")
        return None
    line = data[:end]
    if UNKNOWN.fullmatch(line):
        return ProxyHeader(end)
    found = LINE.fullmatch(line)
    if found is None or int(found[4]) > 65535 or int(found[5]) > 65535:
        raise BadHeader("its line is malformed")
    kind = ipaddress.IPv4Address if found[1] == b"TCP4" else ipaddress.IPv6Address
    try:
        address, _ = kind(found[2].decode()), kind(found[3].decode())
    except ValueError:
        raise BadHeader("its line has no addresses of that family") from None
    return ProxyHeader(end, _text(address))


def _read_binary(data: bytes) -> ProxyHeader | None:
    if len(data) < FIXED:
        return None
    command, family, size = struct.unpack_from(">BBH", data, len(SIGNATURE))
    end = FIXED + size
    if command not in (LOCAL, PROXY):
        raise BadHeader("its version or command is not known")
    if end > LONGEST:
        raise BadHeader("it is too long")
    if len(data) < end:
        return None
    if command == LOCAL:
        return ProxyHeader(end)
    width = SIZES.get(family)
    if width is None:
        raise BadHeader("it is of no TCP connection")
    if size < 2 * width + PORTS:
        raise BadHeader("its addresses are cut off")
    address = ipaddress.ip_address(data[FIXED : FIXED + width])
    return ProxyHeader(end, _text(address), _is_secure(data[FIXED + 2 * width + PORTS : end]))


def _text(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Return the address as canonical text, as ``thywill.core.address.normalize`` does."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _is_secure(fields: bytes) -> bool | None:
    """Return whether the browser uses TLS, or None if no field tells.

    Args:
        fields: fields one after another, each a type (1 byte), a length (2 bytes) and a value.
    """
    position = 0
    while position < len(fields):
        if position + 3 > len(fields):
            raise BadHeader("its fields are cut off")
        kind, size = struct.unpack_from(">BH", fields, position)
        position += 3 + size
        if position > len(fields):
            raise BadHeader("its fields are cut off")
        if kind == TLS and size:
            return bool(fields[position - size] & 1)
    return None
