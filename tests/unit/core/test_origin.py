"""Origins in the form in which browsers send them."""

from __future__ import annotations

import re

import pytest

from thywill.core.origin import normalize


@pytest.mark.parametrize(
    ("text", "sent"),
    [
        ("*", "*"),
        ("null", "null"),
        ("https://www.example.org", "https://www.example.org"),
        ("HTTPS://WWW.Example.org/", "https://www.example.org"),
        ("http://example.org:80", "http://example.org"),
        ("http://example.org:", "http://example.org"),
        ("https://example.org:443/", "https://example.org"),
        ("https://example.org:80", "https://example.org:80"),
        ("http://example.org:08080", "http://example.org:8080"),
        ("https://Bücher.example", "https://xn--bcher-kva.example"),
        ("https://例え.テスト:443", "https://xn--r8jz45g.xn--zckzah"),
        ("http://[::1]:80", "http://[::1]"),
        ("http://[0:0:0:0:0:0:0:1]:8080", "http://[::1]:8080"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://my_host:8080", "http://my_host:8080"),
        ("capacitor://LocalHost", "capacitor://localhost"),
        ("chrome-extension://abcdef/", "chrome-extension://abcdef"),
    ],
)
def test_an_origin_becomes_what_browsers_send(text: str, sent: str) -> None:
    assert normalize(text) == sent
    assert normalize(sent) == sent


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("file://", 'write "null"'),
        ("file:///srv/page.html", 'write "null"'),
        ("wss://example.org", "write https://example.org"),
        ("http://example.org:0", "its port must be from 1 to 65535"),
        ("http://example.org:70000", "its port must be from 1 to 65535"),
        ("http://example.org:http", "write it as https://www.example.org"),
        ("http://::1", "write it as https://www.example.org"),
        ("http://[::1", "write it as https://www.example.org"),
        ("http://[::g]", "its host is no address"),
        ("http://127.1", "its host is no address"),
        ("http://127.0.0.256", "its host is no address"),
        ("http://a..b", "its host is no name"),
        ("http://a%20b", "its host is no name"),
        ("https://straße.example", "beginning with xn--"),
        ("https://" + "ü" * 100 + ".example", "beginning with xn--"),
        ("example.org", "with its scheme: https://example.org"),
        ("https://example.org/chat", "alone, without a path: https://example.org"),
    ],
)
def test_what_no_browser_sends_is_refused_with_the_right_form(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=re.escape(reason)):
        normalize(text)
