"""The request line before a cached head: any other than a known one is parsed."""

from __future__ import annotations

import pytest

from tests.support.wire import request
from thywill.http.heads import Heads
from thywill.http.proxies import TrustedProxies
from thywill.http.reader import Limits, RequestReader
from thywill.http.request import Request

BROWSER = "192.0.2.1"
DATA = request("/now", method="POST", body=b"ab")
REST = DATA[DATA.index(b"\r\n") :]
ODD = [b"", b"none", b"P", b"POST /now HTTP/1.0", b"POST /now HTTP/1.1 ", b"POST /nowHTTP/1.1", b"\r\n"]


@pytest.mark.parametrize("path", [b"/now", b"/other"])
@pytest.mark.parametrize("line", ODD)
def test_another_request_line_is_parsed(path: bytes, line: bytes) -> None:
    heads = Heads(Limits(), TrustedProxies([]), paths=[path])
    (item,) = RequestReader(Limits()).feed(DATA)
    assert isinstance(item, Request)
    heads.keep(DATA, item, BROWSER, trusted=False)
    assert heads.find(line + REST, BROWSER, trusted=False) is None
    known = heads.find(DATA, BROWSER, trusted=False)
    assert known is not None
    assert known.path == b"/now"
    assert heads.find(line + REST, BROWSER, trusted=False) is None
