"""Which pages may ask."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.steady import STEADY
from thywill.errors import BadOrigin
from thywill.http.request import Request
from thywill.wire.origins import Origins, preflight


class TestOrigins:
    """Whose pages may ask."""

    @pytest.mark.parametrize(
        ("origin", "host"),
        [
            ("http://a.example", b"a.example"),
            ("https://a.example", b"a.example"),
            ("https://a.example", b"a.example:443"),
            ("http://a.example", b"a.example:80"),
            ("http://a.example:8888", b"A.Example:8888"),
            ("HTTP://A.example", b"a.example"),
            ("http://[::1]:8888", b"[::1]:8888"),
        ],
    )
    def test_our_own(self, origin: str, host: bytes) -> None:
        assert Origins([]).check(origin, host) is False

    @pytest.mark.parametrize(
        ("origin", "host"),
        [
            ("http://a.example", b"b.example"),
            ("http://a.example", b"a.example:443"),
            ("http://a.example:81", b"a.example"),
            ("http://a.example.evil", b"a.example"),
            ("http://evil@a.example", b"a.example"),
            ("null", b""),
            ("null", None),
            ("null", b"null"),
            ("", b""),
            ("://", b""),
            ("http://", b""),
            ("http://", None),
            ("file://", b""),
            ("ftp://a.example", b"a.example"),
            ("http://[", b"a.example"),
            ("http://a.example/", b"a.example"),
            ("null", b":none"),
        ],
    )
    def test_others(self, origin: str, host: bytes | None) -> None:
        with pytest.raises(BadOrigin):
            Origins([]).check(origin, host)

    def test_those_in_the_settings(self) -> None:
        origins = Origins(["http://A.example:80/", "https://b.example:444"])
        assert origins.any()
        assert origins.check("http://a.example", b"own")
        assert origins.check("https://B.example:444", b"own")
        with pytest.raises(BadOrigin):
            origins.check("https://a.example", b"own")

    def test_a_star_allows_every_page(self) -> None:
        assert Origins(["*"]).check("null", b"own")
        assert not Origins([]).any()

    @given(st.text(st.characters(max_codepoint=255)), st.none() | st.binary(max_size=20))
    @STEADY
    def test_any_origin_is_allowed_or_refused(self, origin: str, host: bytes | None) -> None:
        try:
            assert Origins([]).check(origin, host) is False
        except BadOrigin:
            return
        assert host
        assert host.decode("latin-1").lower() in origin.lower() + ":80:443"


class TestReasons:
    """What a page is told that may not ask."""

    @pytest.mark.parametrize(
        ("origin", "host"),
        [
            ("http://chat.example:8081", b"chat.example"),
            ("https://chat.example", b"Chat.Example:8080"),
            ("http://[::1]:8081", b"[::1]"),
        ],
    )
    def test_where_only_the_port_differs_it_names_host(self, origin: str, host: bytes) -> None:
        with pytest.raises(BadOrigin, match=r"but Host is .* \(nginx: proxy_set_header Host \$http_host\)"):
            Origins([]).check(origin, host)

    @pytest.mark.parametrize("origin", ["http://other.example", "null", "http://chat.example.evil"])
    def test_else_it_names_the_setting(self, origin: str) -> None:
        with pytest.raises(BadOrigin, match=r"^pages of this origin are not allowed here: see origins in \["):
            Origins([]).check(origin, b"chat.example")

    def test_what_was_sent_is_repeated_only_in_part(self) -> None:
        with pytest.raises(BadOrigin) as raised:
            Origins([]).check(f"http://{'a' * 9000}:1", b"a" * 9000)
        assert len(raised.value.message) < 500


@pytest.mark.parametrize(
    ("asked", "allowed"),
    [
        (None, b"Content-Type"),
        (b"", b"Content-Type"),
        (b"content-type", b"content-type"),
        (b"content-type,traceparent, X-Trace_Id", b"content-type,traceparent, X-Trace_Id"),
        (b"traceparent\r\nSet-Cookie: a", b"Content-Type"),
        (b"a b", b"Content-Type"),
        (b"a,", b"Content-Type"),
        (b"a" * 1001, b"Content-Type"),
    ],
)
def test_a_preflight_allows_the_headers_that_a_page_adds(asked: bytes | None, allowed: bytes) -> None:
    request = Request()
    request.headers = [] if asked is None else [(b"Access-Control-Request-Headers", asked)]
    assert b"Access-Control-Allow-Headers: %b\r\n" % allowed in preflight(request)
