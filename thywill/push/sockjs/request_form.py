"""A request in the form in which one server forwards it to another."""

from __future__ import annotations

import msgspec

from thywill.http.request import Request


class RequestForm(msgspec.Struct):
    """The fields of a ``Request``, but for what the server that has read it remembers of its head."""

    method: bytes = b""
    target: bytes = b""
    path: bytes = b""
    version: str = "1.1"
    fields: list[tuple[bytes, bytes]] | None = None
    head: bytes = b""
    host: bytes | None = None
    origin: bytes | None = None
    body: bytes = b""
    peer: str = ""
    scheme: str = "http"
    keep_alive: bool = True
    expects: bool = False
    forwarded: bool = False


_FIELDS = RequestForm.__struct_fields__
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(RequestForm).decode


def encode_request(request: Request) -> bytes:
    """Return a request as bytes for another server."""
    return _encode(RequestForm(*(getattr(request, name) for name in _FIELDS)))


def decode_request(data: bytes) -> Request:
    """Return the request that another server has encoded.

    Raises:
        msgspec.DecodeError: ``data`` holds no request.
    """
    form, request = _decode(data), Request()
    for name in _FIELDS:
        setattr(request, name, getattr(form, name))
    return request
