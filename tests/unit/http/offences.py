"""Requests that are refused, and how Tornado's own server takes each of them."""

from __future__ import annotations

from dataclasses import dataclass

from tests.support.wire import chunked, request
from thywill.http.reader import Limits

LIMITS = Limits(header=2000, headers=20, body=5000, pipeline=8)
IN_CHUNKS = "Transfer-Encoding: chunked"

SILENT = 0
SERVED = 200


@dataclass(frozen=True)
class Offence:
    """What is sent, our answer's status and code, and Tornado's status where it has another (``why``)."""

    data: bytes
    status: int = 400
    code: str = "malformed"
    tornado: int = 400
    why: str = ""


LENIENT = "lenient here; each could mean another thing to a proxy before it"
ONLY_400 = "knows no other status than 400"

OFFENCES = {
    "rubbish": Offence(b"rubbish\r\n\r\n"),
    "TLS": Offence(b"\x16\x03\x01\x00\x05\x01\x00\x00\x01\xfc\r\n\r\n"),
    "NUL": Offence(b"\0" * 100 + b"\r\n\r\n"),
    "a header without a colon": Offence(request("/now", "X")),
    "a blank before the colon": Offence(request("/now", "X : a")),
    "NUL in a value": Offence(request("/now", "X: a\0b")),
    "a folded header": Offence(request("/now", "X: a\r\n b")),
    "bare line feeds": Offence(b"GET /now HTTP/1.1\nHost: a\n\n"),
    "no host": Offence(request(host=None)),
    "no host for a handler": Offence(request("/plain", host=None)),
    "two hosts": Offence(request("/now", "Host: other")),
    "two hosts for a handler": Offence(request("/plain", "Host: other")),
    "a host that is none, for a handler": Offence(request("/plain", host="a/b")),
    "thousands of arguments for a handler": Offence(
        request("/plain?" + "&" * 1500)
    ),
    "length and chunks": Offence(request("/now", "Content-Length: 5", IN_CHUNKS, method="POST") + chunked()),
    "two lengths": Offence(request("/now", "Content-Length: 1", "Content-Length: 2", method="POST") + b"ab"),
    "a length that is none": Offence(request("/now", "Content-Length: x", method="POST")),
    "another encoding": Offence(
        request("/now", "Transfer-Encoding: gzip", method="POST"), status=501, why=ONLY_400
    ),
    "chunks before HTTP/1.1": Offence(
        request("/now", IN_CHUNKS, method="POST", version="1.0") + chunked()
    ),
    "a chunk's size that is none": Offence(request("/now", IN_CHUNKS, method="POST") + b"x\r\nx\r\n"),
    "a chunk without its end": Offence(request("/now", IN_CHUNKS, method="POST") + b"1\r\nxyz\r\n"),
    "length and chunks, the other way round": Offence(
        request("/now", IN_CHUNKS, "Content-Length: 5", method="POST") + chunked()
    ),
    "two equal lengths in one header": Offence(
        request("/now", "Content-Length: 1, 1", method="POST") + b"a", tornado=SERVED, why=LENIENT
    ),
    "a length with a sign": Offence(request("/now", "Content-Length: +1", method="POST") + b"a"),
    "a negative length": Offence(request("/now", "Content-Length: -1", method="POST")),
    "a length in hexadecimal": Offence(request("/now", "Content-Length: 0x1", method="POST") + b"a"),
    "chunks written badly": Offence(
        request("/now", "Transfer-Encoding: xchunked", method="POST") + chunked(), status=501, why=ONLY_400
    ),
    "chunks twice": Offence(
        request("/now", IN_CHUNKS, IN_CHUNKS, method="POST") + chunked(), why=ONLY_400
    ),
    "chunks, then identity": Offence(
        request("/now", "Transfer-Encoding: chunked, identity", method="POST") + chunked()
    ),
    "a blank behind the coding's name": Offence(
        request("/now", "Transfer-Encoding : chunked", method="POST") + chunked()
    ),
    "a line feed alone before a header": Offence(b"GET /now HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"),
    "a carriage return alone in a value": Offence(request("/now", "X: a\rY: b")),
    "a chunk's size with a sign": Offence(
        request("/now", IN_CHUNKS, method="POST") + b"+1\r\nx\r\n0\r\n\r\n"
    ),
    "a chunk's size with 0x": Offence(request("/now", IN_CHUNKS, method="POST") + b"0x1\r\nx\r\n0\r\n\r\n"),
    "a chunk with a bare line feed": Offence(
        request("/now", IN_CHUNKS, method="POST") + b"1\nx\n0\n\n",
        tornado=SILENT, why="closes without an answer, when the time for the body is over",
    ),
    "CONNECT": Offence(request("there:443", method="CONNECT"), 405, "method", tornado=405),
    "CONNECT to a path": Offence(
        request("/now", method="CONNECT"), 405, "method", tornado=405
    ),
    "an unknown method": Offence(request(method="FETCH"), tornado=SERVED, why="knows every method"),
    "HTTP/2": Offence(request(version="2.0"), 505, why=ONLY_400),
    "HTTP/2 from the start": Offence(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "a large header": Offence(request("/now", "X: " + "y" * 2000), 431, "too_large", 431),
    "a long address": Offence(request("/now?" + "y" * 2000), 431, "too_large", 431),
    "many headers": Offence(request("/now", *["X: y"] * 21), 431, "too_large", 431),
    "a large body": Offence(
        request("/now", method="POST", body=b"x" * 5001), 413, "too_large", 413
    ),
    "a large body for a handler": Offence(
        request("/plain", method="POST", body=b"x" * 5001), 413, "too_large", 413
    ),
    "a large body in chunks": Offence(
        request("/now", IN_CHUNKS, method="POST") + chunked(*[b"x" * 1000] * 6),
        413, "too_large", why=ONLY_400,
    ),
    "a large body that waits for 100 Continue": Offence(
        request("/now", "Expect: 100-continue", "Content-Length: 5001", method="POST"),
        413, "too_large", 413,
    ),
}  # fmt: skip
