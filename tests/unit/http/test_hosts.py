"""For which names the server may be asked (DNS rebinding)."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tornado.web import Application

from tests.support.steady import STEADY
from thywill.errors import Misdirected
from thywill.http.message import Reply
from thywill.http.request import Request
from thywill.http.site import Site, host_name
from thywill.wire.refusals import Refusals


def ask(host: bytes | None, path: bytes, hosts: frozenset[str]) -> bool:
    """Return whether an endpoint of a site with ``hosts`` is asked."""
    asked: list[Any] = []
    endpoints = {path: lambda request, reply: asked.append(request)}
    site = Site(Application(), Refusals(Counter()), endpoints, hosts=hosts)
    request = Request()
    request.path = request.target = path
    request.host = host
    endpoint = site.find(request)
    assert endpoint is not None
    try:
        endpoint(request, Reply())
    except Misdirected:
        return False
    return bool(asked)


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        (b"chat.example", True),
        (b"CHAT.example:8080", True),
        (b"chat.example.", True),
        (b"[::1]:80", True),
        (b"evil.example", False),
        (b"chat.example.evil", False),
        (b"chat.example@evil", False),
        (b"127.0.0.1", False),
        (b"", False),
        (None, False),
    ],
)
def test_only_for_those_in_the_settings(host: bytes | None, allowed: bool) -> None:
    hosts = frozenset({"chat.example", "::1"})
    assert ask(host, b"/thywill/connect", hosts) is allowed
    assert ask(host, b"/thywill/ready", hosts)
    assert ask(host, b"/thywill/connect", frozenset())


@given(st.binary(max_size=30) | st.none())
@STEADY
def test_any_host_has_a_name(host: bytes | None) -> None:
    name = host_name(host)
    assert name == name.lower()
