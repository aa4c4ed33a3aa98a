"""What can be asked without a session: greeting, iframe, info, and what is not there."""

from __future__ import annotations

import re
from email.utils import parsedate_to_datetime

import pytest

from tests.served.sockjs.conftest import Lab
from tests.support.sockjs import NOT_CACHED, Answer, Service

pytestmark = pytest.mark.gen_test

YEAR = "max-age=31536000, public"
UPGRADE = (
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==",
)


def assert_cached(answer: Answer) -> None:
    assert answer.header("cache-control") == YEAR
    assert parsedate_to_datetime(answer.header("expires") or "").utcoffset() is not None


def assert_json(answer: Answer, status: int, code: str) -> None:
    assert (answer.status, answer.code) == (status, code)
    assert answer.header("x-content-type-options") == "nosniff"


# The greeting.


@pytest.mark.parametrize("path", ["", "/"])
async def test_the_greeting(echo: Service, path: str) -> None:
    answer = await echo.get(path)
    assert (answer.status, answer.body) == (200, b"Welcome to SockJS!\n")
    assert answer.header("content-type") == "text/plain; charset=UTF-8"
    assert answer.header("set-cookie") is None


@pytest.mark.parametrize(
    "path", ["/a", "/a.html", "//", "///", "/a/a", "/a/a/", "/a/", "/a/a/xhr/", "/a/a/unknown"]
)
async def test_there_is_nothing_else(echo: Service, path: str) -> None:
    assert_json(await echo.get(path), 404, "not_found")


@pytest.mark.parametrize("path", ["/websocket", "/0/0/websocket"])
@pytest.mark.parametrize("headers", [(), UPGRADE])
async def test_no_websocket_is_there(echo: Service, path: str, headers: tuple[str, ...]) -> None:
    for answer in (await echo.get(path, *headers), await echo.post(path, b"", *headers)):
        assert_json(answer, 404, "not_found")
        assert answer.header("upgrade") is None


@pytest.mark.parametrize(
    ("path", "method", "allowed"),
    [
        ("", "POST", "GET"),
        ("/info", "POST", "OPTIONS, GET"),
        ("/iframe.html", "DELETE", "GET"),
        ("/0/0/xhr", "GET", "OPTIONS, POST"),
        ("/0/0/xhr_send", "GET", "OPTIONS, POST"),
        ("/0/0/xhr_streaming", "PUT", "OPTIONS, POST"),
        ("/0/0/eventsource", "POST", "GET"),
        ("/0/0/htmlfile", "POST", "GET"),
        ("/0/0/jsonp", "POST", "GET"),
        ("/0/0/jsonp_send", "GET", "OPTIONS, POST"),
        ("/0/0/jsonp_send", "PUT", "OPTIONS, POST"),
    ],
)
async def test_other_methods(echo: Service, path: str, method: str, allowed: str) -> None:
    answer = await echo.get(path, method=method, body=None if method == "GET" else b"")
    assert_json(answer, 405, "method")
    assert answer.header("allow") == allowed


# The page for frames.


@pytest.mark.parametrize(
    "name",
    [
        "iframe.html",
        "iframe-.html",
        "iframe-a.html",
        "iframe-1.6.1.html",
        "iframe-0.1.2abc-dirty.2144.html",
        "iframe.html?t=12",
    ],
)
async def test_the_frame(echo: Service, name: str) -> None:
    answer = await echo.get(f"/{name}")
    assert answer.status == 200
    assert answer.header("content-type") == "text/html; charset=UTF-8"
    assert_cached(answer)
    assert answer.header("etag")
    assert answer.header("last-modified") is None
    assert re.search(rb'<script src="https://[^"]+/sockjs\.min\.js"></script>', answer.body)
    assert b"SockJS.bootstrap_iframe();" in answer.body


@pytest.mark.parametrize(
    "name",
    ["iframe", "iframe.htm", "iframe.HTML", "IFRAME.html", "iframe.xml", "iframe-/.html", "iframexhtml"],
)
async def test_other_names_are_not_frames(echo: Service, name: str) -> None:
    assert (await echo.get(f"/{name}")).status == 404


async def test_the_frame_is_not_sent_again(echo: Service) -> None:
    first = await echo.get("/iframe.html")
    again = await echo.get("/iframe.html", f"If-None-Match: {first.header('etag')}")
    assert (again.status, again.body, again.header("content-type")) == (304, b"", None)
    other = await echo.get("/iframe.html", 'If-None-Match: "another"')
    assert other.body == first.body


async def test_the_frame_loads_the_client_of_the_settings(lab: Lab) -> None:
    service, _ = await lab.special({"sockjs_url": 'https://example.org/"x"&y.js'}, "https://good.example")
    answer = await service.get("/iframe-1.html")
    assert b'<script src="https://example.org/&quot;x&quot;&amp;y.js"></script>' in answer.body
    assert answer.header("content-security-policy") == "frame-ancestors 'self' https://good.example"


async def test_without_other_origins_there_is_no_frame(lab: Lab) -> None:
    service, _ = await lab.special({})
    assert (await service.get("/iframe.html")).status == 404


# Info.


async def test_info(echo: Service) -> None:
    answer = await echo.get("/info", "Origin: http://page.example")
    assert answer.status == 200
    assert answer.header("content-type") == "application/json; charset=UTF-8"
    assert answer.header("cache-control") == NOT_CACHED
    assert answer.header("access-control-allow-origin") == "http://page.example"
    assert answer.header("access-control-allow-credentials") == "true"
    info = answer.json
    assert 0 <= info.pop("entropy") < 2**32
    assert info == {"websocket": True, "cookie_needed": False, "origins": ["*:*"]}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("disabled_websocket_echo", {"websocket": False, "cookie_needed": False}),
        ("cookie_needed_echo", {"websocket": False, "cookie_needed": True}),
    ],
)
async def test_info_of_the_other_services(lab: Lab, name: str, said: dict[str, bool]) -> None:
    info = (await lab.service(name).get("/info")).json
    assert {key: info[key] for key in said} == said


async def test_entropy_differs(echo: Service) -> None:
    found = {(await echo.get("/info")).json["entropy"] for _ in range(5)}
    assert len(found) > 1


# Preflights.


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/info", "OPTIONS, GET"),
        ("/a/a/xhr", "OPTIONS, POST"),
        ("/a/a/xhr_send", "OPTIONS, POST"),
        ("/a/a/xhr_streaming", "OPTIONS, POST"),
        ("/a/a/jsonp_send", "OPTIONS, POST"),
        ("/a/a/eventsource", "GET"),
        ("/a/a/htmlfile", "GET"),
        ("/a/a/jsonp", "GET"),
    ],
)
@pytest.mark.parametrize("origin", ["http://page.example", "null"])
async def test_preflights(echo: Service, path: str, methods: str, origin: str) -> None:
    answer = await echo.options(path, f"Origin: {origin}", "Access-Control-Request-Method: POST")
    assert (answer.status, answer.body) == (204, b"")
    assert_cached(answer)
    assert int(answer.header("access-control-max-age") or 0) > 1_000_000
    assert answer.header("access-control-allow-methods") == methods
    assert answer.header("access-control-allow-origin") == origin
    assert answer.header("access-control-allow-credentials") == "true"
    assert answer.header("access-control-allow-headers") is None


async def test_a_preflight_allows_the_headers_that_are_asked_for(echo: Service) -> None:
    asked = ("Origin: http://page.example", "Access-Control-Request-Headers: a, b, c")
    answer = await echo.options("/a/a/xhr", *asked)
    assert answer.header("access-control-allow-headers") == "a, b, c"
    empty = await echo.options("/a/a/xhr", asked[0], "Access-Control-Request-Headers: ")
    assert empty.header("access-control-allow-headers") is None
