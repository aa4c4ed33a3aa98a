"""Requests, and a cache of heads to which they come."""

from __future__ import annotations

from typing import Any

from tests.support.wire import request
from tests.unit.http.offences import LIMITS
from thywill.http.heads import Heads
from thywill.http.proxies import TrustedProxies
from thywill.http.reader import Limits, RequestReader
from thywill.http.request import Request

PROXY, STRANGER, OTHER = "127.0.0.1", "198.51.100.7", "198.51.100.8"


def post(target: str = "/now", *headers: str, body: bytes = b"{}", **fields: Any) -> bytes:
    return request(target, *headers, method="POST", body=body, **fields)


def table(entries: int = 100, limits: Limits = LIMITS) -> Heads:
    return Heads(limits, TrustedProxies([PROXY]), entries)


def read(data: bytes) -> Request:
    (item,) = RequestReader(Limits()).feed(data)
    assert isinstance(item, Request)
    return item


def find(heads: Heads, data: bytes, peer: str) -> Request | None:
    return heads.find(data, peer, trusted=peer == PROXY)


def keep(heads: Heads, data: bytes, peer: str = STRANGER) -> None:
    """Let a request come once."""
    if find(heads, data, peer) is None:
        heads.keep(data, read(data), peer, trusted=peer == PROXY)


def found(heads: Heads, data: bytes, peer: str = STRANGER) -> Request:
    known = find(heads, data, peer)
    assert known is not None
    return known


def fields_of(item: Request) -> dict[str, Any]:
    """Return everything that an endpoint can see of a request."""
    names = ("method", "target", "path", "version", "host", "origin", "body", "peer", "scheme")
    flags = ("keep_alive", "expects", "forwarded")
    headers = [(name, value.strip()) for name, value in item.headers]
    return {"headers": headers} | {name: getattr(item, name) for name in (*names, *flags)}
