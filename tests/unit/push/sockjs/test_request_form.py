"""Requests that one server forwards to another."""

from __future__ import annotations

from thywill.http.request import OriginVerdict, Request
from thywill.push.sockjs.request_form import RequestForm, decode_request, encode_request

STAYS = {"headers", "places", "verdict"}
"""What is read from other fields, and what a server remembers of a head for itself."""


def test_the_form_has_every_field_of_a_request() -> None:
    fields = {name for name in dir(Request()) if not name.startswith("_")}
    data = {name for name in fields if not callable(getattr(Request(), name))}
    assert set(RequestForm.__struct_fields__) == data - STAYS


def test_another_server_gets_the_same_request() -> None:
    request = Request()
    request.method, request.target, request.path = b"POST", b"/a?b=c", b"/a"
    request.head = b"POST /a?b=c HTTP/1.1\r\nHost: here\r\nCookie: d=e\r\n\r\n"
    request.host, request.body, request.peer, request.scheme = b"here", b"{}", "192.0.2.1", "https"
    request.places, request.verdict = 12, OriginVerdict()
    received = decode_request(encode_request(request))
    for name in RequestForm.__struct_fields__:
        assert getattr(received, name) == getattr(request, name)
    assert received.header(b"cookie") == b"d=e"
    assert (received.places, received.verdict) == (0, None)
