"""What browsers send: bodies and content types, right and wrong, and which pages may send."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.served.sockjs.conftest import OPEN, Lab
from tests.support.sockjs import NOT_CACHED, Service

pytestmark = pytest.mark.gen_test

FORM = "Content-Type: application/x-www-form-urlencoded"
BROKEN = b"Broken JSON encoding."
EXPECTED = b"Payload expected."
BODIES = {
    "cut": (b'["x', BROKEN),
    "no JSON": (b"x", BROKEN),
    "two values": (b'["x"] ["y"]', BROKEN),
    "nested without end": (b"[" * 100_000, EXPECTED),
    "Latin-1": ('["ü"]'.encode("latin-1"), BROKEN),
    "UTF-16": ('["x"]'.encode("utf-16"), BROKEN),
    "compressed": (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", BROKEN),
    "empty": (b"", EXPECTED),
    "an object": (b'{"a":1}', EXPECTED),
    "a string": (b'"x"', EXPECTED),
    "null": (b"null", EXPECTED),
    "numbers": (b"[1]", EXPECTED),
    "arrays": (b'[["x"]]', EXPECTED),
    "one that is no string": (b'["x",{}]', EXPECTED),
}
TYPES = [
    "text/plain", "T", "application/json", "application/xml", "", "application/json; charset=utf-8",
    "text/xml; charset=utf-8", "text/xml", "application/x-www-form-urlencoded", "multipart/form-data",
]  # fmt: skip


async def test_a_send(echo: Service, session: str) -> None:
    await echo.poll(session)
    answer = await echo.post(f"{session}/xhr_send", '["x"]')
    assert (answer.status, answer.body) == (204, b"")
    assert answer.header("content-type") == "text/plain; charset=UTF-8"
    assert answer.header("cache-control") == NOT_CACHED
    assert answer.header("content-length") is None
    answer = await echo.post(f"{session}/jsonp_send", "d=%5B%22y%22%5D", FORM)
    assert (answer.status, answer.body) == (200, b"ok")
    assert answer.header("content-type") == "text/plain; charset=UTF-8"
    assert answer.header("cache-control") == NOT_CACHED
    assert await echo.poll(session) == b'a["x","y"]'


@pytest.mark.parametrize("transport", ["xhr_send", "jsonp_send"])
async def test_there_has_to_be_a_session(echo: Service, session: str, transport: str) -> None:
    answer = await echo.post(f"{session}/{transport}", '["x"]')
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize(("body", "complaint"), BODIES.values(), ids=BODIES)
async def test_wrong_bodies(echo: Service, session: str, body: bytes, complaint: bytes) -> None:
    await echo.poll(session)
    for answer in (
        await echo.post(f"{session}/xhr_send", body),
        await echo.post(f"{session}/jsonp_send", body),
        await echo.post(f"{session}/jsonp_send", "d=" + quote(body), FORM),
    ):
        assert (answer.status, answer.body) == (500, complaint)
        assert answer.header("content-type") == "text/plain; charset=UTF-8"
    await echo.send(session, '["x"]')
    assert await echo.poll(session) == b'a["x"]'


@pytest.mark.parametrize(
    ("form", "complaint"),
    [
        ("d=", EXPECTED),
        ("p=p", EXPECTED),
        ("d=%5B%22x", BROKEN),
        ("d=%ff", BROKEN),
        ("d=[%22%ff%22]", BROKEN),
    ],
)
async def test_wrong_forms(echo: Service, session: str, form: str, complaint: bytes) -> None:
    await echo.poll(session)
    answer = await echo.post(f"{session}/jsonp_send", form, FORM)
    assert (answer.status, answer.body) == (500, complaint)


@pytest.mark.parametrize("content_type", TYPES)
async def test_the_type_of_an_xhr_send_means_nothing(echo: Service, session: str, content_type: str) -> None:
    await echo.poll(session)
    answer = await echo.post(f"{session}/xhr_send", '["x"]', f"Content-Type: {content_type}")
    assert answer.status == 204
    assert await echo.poll(session) == b'a["x"]'


async def test_a_jsonp_send_is_a_form_where_its_type_says_so(echo: Service, session: str) -> None:
    await echo.poll(session)
    for body, content_type in (
        ("d=%5B%22%61bc+d%22%5D", "application/x-www-form-urlencoded"),
        ("x=1&d=%5B%22%C3%BC%22%5D", "Application/X-WWW-Form-URLEncoded; charset=UTF-8"),
        ('["%61bc"]', "text/plain"),
    ):
        answer = await echo.post(f"{session}/jsonp_send", body, f"Content-Type: {content_type}")
        assert answer.body == b"ok"
    assert await echo.poll(session) == 'a["abc d","ü","%61bc"]'.encode()


# Which pages may ask.

GOOD, EVIL = "https://good.example", "https://evil.example"
FOREIGN = (
    f"Origin: {EVIL}",
    "Origin: null",
    "Origin: ",
    f"Referer: {EVIL}/page",
    "Referer: about:blank",
    "Referer: data:text/html,x",
)
ADDRESSES = [
    ("/info", "GET"),
    ("/s/s/xhr", "POST"),
    ("/s/s/xhr", "OPTIONS"),
    ("/s/s/xhr_send", "POST"),
    ("/s/s/xhr_streaming", "POST"),
    ("/s/s/eventsource", "GET"),
    ("/s/s/htmlfile?c=x", "GET"),
    ("/s/s/jsonp?c=x", "GET"),
    ("/s/s/jsonp_send", "POST"),
    ("/iframe.html", "GET"),
]


@pytest.mark.parametrize(("path", "method"), ADDRESSES)
@pytest.mark.parametrize("header", FOREIGN)
async def test_pages_that_may_not(lab: Lab, path: str, method: str, header: str) -> None:
    service, router = await lab.special({}, GOOD)
    answer = await service.get(path, header, method=method, body=b"" if method == "POST" else None)
    assert (answer.status, answer.code) == (403, "origin")
    assert answer.header("access-control-allow-origin") is None
    assert answer.header("access-control-allow-credentials") is None
    assert not router.sessions


@pytest.mark.parametrize(("path", "method"), ADDRESSES)
async def test_pages_that_may(lab: Lab, path: str, method: str) -> None:
    service, _ = await lab.special({}, GOOD)
    _, head = await service.stream(path, f"Origin: {GOOD}", method=method)
    assert head.status in (200, 204, 404)
    if path != "/iframe.html":
        assert head.header("access-control-allow-origin") == GOOD
        assert head.header("access-control-allow-credentials") == "true"
        assert head.header("vary") == "Origin"


@pytest.mark.parametrize("header", ["Origin: http://test", "Referer: http://test/chat/", "Accept: */*"])
async def test_our_own_pages(lab: Lab, session: str, header: str) -> None:
    service, _ = await lab.special({})
    answer = await service.post(f"{session}/xhr", b"", header)
    assert answer.body == OPEN + b"\n"
    assert answer.header("access-control-allow-origin") is None
    assert (await service.get("/info", header)).header("access-control-allow-origin") is None
