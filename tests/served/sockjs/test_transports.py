"""Each transport's own form: headers, preludes, how it carries a frame, where a response ends."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.served.sockjs.conftest import GO_AWAY, INTERRUPTED, OPEN, Lab
from tests.support.serving import until
from tests.support.sockjs import NOT_CACHED, Service, Stream
from tests.tools.conformance.server import RESPONSE_LIMIT, Echo
from thywill.push.sockjs.router import Router
from thywill.push.sockjs.states import SessionState

pytestmark = pytest.mark.gen_test

HTMLFILE_HEAD = r"""<!doctype html>
<html><head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
</head><body><h2>Don't panic!</h2>
  <script>
    document.domain = document.domain;
    var c = parent._jp.a1;
    c.start();
    function p(d) {c.message(d);};
    window.onload = function() {c.stop();};
  </script>"""
BAD_CALLBACKS = ["%20", "*", "abc(", "abc%28", "a%0Ab", "%3Cscript%3E", "x" * 129, "%C3%BC", "a;b"]


class Form:
    """How a streaming transport is asked for, and what its answer is made of."""

    def __init__(self, path: str, method: str, content_type: str, before: bytes, after: bytes) -> None:
        self.path = path
        self.method = method
        self.content_type = content_type
        self._before = before
        self._after = after

    def frame(self, text: bytes) -> bytes:
        """Return what carries the frame ``text``."""
        quoted = json.dumps(text.decode()).encode() if self.path.startswith("/htmlfile") else text
        return self._before + quoted + self._after


FORMS = {
    "xhr_streaming": Form("/xhr_streaming", "POST", "application/javascript; charset=UTF-8", b"", b"\n"),
    "eventsource": Form("/eventsource", "GET", "text/event-stream", b"data: ", b"\r\n\r\n"),
    "htmlfile": Form(
        "/htmlfile?c=_jp.a1", "GET", "text/html; charset=UTF-8", b"<script>\np(", b");\n</script>\r\n"
    ),
}
streaming = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)


# Streams.


@streaming
async def test_a_stream(echo: Service, session: str, form: Form) -> None:
    stream, head = await echo.stream(session + form.path, method=form.method)
    assert head.status == 200
    assert head.header("content-type") == form.content_type
    assert head.header("cache-control") == NOT_CACHED
    assert head.header("x-accel-buffering") == "no"
    assert head.header("transfer-encoding") == "chunked"
    await stream.chunk()
    assert await stream.chunk() == form.frame(b"o")
    await echo.send(session, '["x","y"]')
    assert await stream.chunk() == form.frame(b'a["x","y"]')


async def test_the_preludes(echo: Service) -> None:
    stream, _ = await echo.stream("/0/prelude1/xhr_streaming")
    assert await stream.chunk() == b"h" * 2048 + b"\n"
    stream, _ = await echo.stream("/0/prelude2/eventsource", method="GET")
    assert await stream.chunk() == b"\r\n"
    stream, _ = await echo.stream("/0/prelude3/htmlfile?c=%5Fjp.a1", method="GET")
    page = await stream.chunk()
    assert len(page) > 1024
    assert page.decode().strip() == HTMLFILE_HEAD


@streaming
async def test_a_response_ends_at_its_limit(echo: Service, session: str, form: Form) -> None:
    stream, _ = await echo.stream(session + form.path, method=form.method)
    await stream.chunk()
    size, message = len(await stream.chunk()), json.dumps("x" * 128)
    while size < RESPONSE_LIMIT:
        await echo.send(session, f"[{message}]")
        chunk = await stream.chunk()
        assert chunk == form.frame(f"a[{message}]".encode())
        size += len(chunk)
    assert await stream.chunk() == b""
    await echo.send(session, '["next"]')
    again, _ = await echo.stream(session + form.path, method=form.method)
    await again.chunk()
    assert await again.chunk() == form.frame(b'a["next"]')


@streaming
async def test_a_frame_over_the_limit_comes_whole(echo: Service, session: str, form: Form) -> None:
    stream, _ = await echo.stream(session + form.path, method=form.method)
    await stream.chunk()
    await stream.chunk()
    message = json.dumps("x" * RESPONSE_LIMIT)
    await echo.send(session, f"[{message}]")
    assert await stream.chunk() == form.frame(f"a[{message}]".encode())
    assert await stream.chunk() == b""


@streaming
async def test_a_stream_over_http_1_0_ends_with_its_connection(
    close: Service, session: str, form: Form
) -> None:
    keep = "Connection: keep-alive"
    stream, head = await close.stream(session + form.path, keep, method=form.method, version="1.0")
    assert head.header("transfer-encoding") is None
    assert head.header("content-length") is None
    assert (await stream.rest()).endswith(form.frame(b"o") + form.frame(GO_AWAY))


async def test_who_may_show_an_htmlfile_in_a_frame(lab: Lab, session: str) -> None:
    service, _ = await lab.special({}, "https://good.example")
    _, head = await service.stream(f"{session}/htmlfile?c=x", method="GET")
    assert head.header("content-security-policy") == "frame-ancestors 'self' https://good.example"
    assert head.header("cross-origin-embedder-policy") == "require-corp"


async def test_isolated_pages_may_load_the_scripts(lab: Lab, session: str) -> None:
    service, _ = await lab.special({})
    _, head = await service.stream(f"{session}/jsonp?c=x", method="GET")
    assert head.header("cross-origin-resource-policy") == "cross-origin"


async def test_a_stream_is_not_compressed(echo: Service, session: str) -> None:
    _, head = await echo.stream(f"{session}/xhr_streaming", "Accept-Encoding: gzip")
    assert head.header("content-encoding") is None


async def test_a_message_does_not_end_the_script_that_carries_it(echo: Service, session: str) -> None:
    stream, _ = await echo.stream(f"{session}/htmlfile?c=x", method="GET")
    await stream.chunk()
    await stream.chunk()
    await echo.send(session, '["</script><script>alert(1)</script>"]')
    carried = await stream.chunk()
    assert carried.count(b"<") == 2
    text = carried.removeprefix(b"<script>\np(").removesuffix(b");\n</script>\r\n")
    assert json.loads(text) == 'a["</script><script>alert(1)</script>"]'


async def test_a_browser_that_does_not_read_is_not_written_to(lab: Lab, session: str) -> None:
    service, router = await lab.special({"response_limit": 2**30})
    stream, known = await choke(service, router, session)
    await service.send(session, '["after"]')
    assert known.texts == ["after"]
    stream.hurry()
    await stream.head()
    while b"after" not in await stream.chunk():
        pass


async def test_a_response_that_is_long_enough_ends_when_it_is_read(lab: Lab, session: str) -> None:
    service, router = await lab.special({"response_limit": 2**30})
    stream, known = await choke(service, router, session)
    assert known._reply is not None
    known._reply._left = 0  # type: ignore[attr-defined] # as if the last frame had reached the limit
    await service.send(session, '["after"]')
    stream.hurry()
    await stream.head()
    while await stream.chunk():
        pass
    assert await service.poll(session) == b'a["after"]'


async def test_frames_in_a_broken_connection_are_lost_with_it(lab: Lab, session: str) -> None:
    service, router = await lab.special({"response_limit": 2**30})
    stream, known = await choke(service, router, session)
    await service.send(session, '["after"]')
    stream.reset()
    await until(lambda: not known.is_open)
    assert await service.poll(session) == INTERRUPTED


async def choke(service: Service, router: Router, session: str) -> tuple[Stream, Echo]:
    """Send to a stream that is not read until no more goes; return it and its session."""
    stream = await service.park(f"{session}/xhr_streaming", slow=True)
    await until(lambda: router.sessions)
    (known,), sent = router.sessions.by_name.values(), 0
    assert isinstance(known, Echo)
    while known.state is not SessionState.BLOCKED:
        await service.send(session, json.dumps(["x" * 200_000]))
        sent += 1
        assert sent < 100, "it is written to all the same"
    return stream, known


async def test_a_response_that_ended_is_not_gone_on_with(echo: Service, session: str) -> None:
    stream, _ = await echo.stream(f"{session}/eventsource", method="GET")
    await stream.chunk()
    await stream.chunk()
    await echo.send(session, json.dumps(["x" * RESPONSE_LIMIT]))
    await echo.send(session, '["after"]')
    assert len(await stream.chunk()) > RESPONSE_LIMIT
    assert await stream.chunk() == b""
    assert await echo.poll(session) == b'a["after"]'


# Polls.


async def test_an_xhr_poll(echo: Service, session: str) -> None:
    answer = await echo.post(f"{session}/xhr")
    assert (answer.status, answer.body) == (200, b"o\n")
    assert answer.header("content-type") == "application/javascript; charset=UTF-8"
    assert answer.header("cache-control") == NOT_CACHED
    assert answer.header("content-length") == "2"


async def test_a_jsonp_poll(echo: Service, session: str) -> None:
    answer = await echo.get(f"{session}/jsonp?c=%63all.back")
    assert (answer.status, answer.body) == (200, b'/**/call.back("o");\r\n')
    assert answer.header("content-type") == "application/javascript; charset=UTF-8"
    assert answer.header("cache-control") == NOT_CACHED
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("etag") is None
    await echo.send_form(session, '["x"]')
    answer = await echo.get(f"{session}/jsonp?c=other")
    assert answer.body == b'/**/other("a[\\"x\\"]");\r\n'


async def test_a_jsonp_poll_gets_the_end_of_its_session(close: Service, session: str) -> None:
    bodies = [(await close.get(f"{session}/jsonp?c=x")).body for _ in range(3)]
    end = b'/**/x("c[3000,\\"Go away!\\"]");\r\n'
    assert bodies == [b'/**/x("o");\r\n', end, end]


@pytest.mark.parametrize("transport", ["jsonp", "htmlfile"])
async def test_a_callback_is_needed(echo: Service, transport: str) -> None:
    for query in ("", "?c=", "?callback=x"):
        answer = await echo.get(f"/a/a/{transport}{query}")
        assert (answer.status, answer.body) == (500, b'"callback" parameter required')
        assert answer.header("content-type") == "text/plain; charset=UTF-8"


@pytest.mark.parametrize("transport", ["jsonp", "htmlfile"])
@pytest.mark.parametrize("callback", BAD_CALLBACKS)
async def test_callbacks_that_are_not_names(echo: Service, transport: str, callback: str) -> None:
    answer = await echo.get(f"/a/a/{transport}?c={callback}")
    assert (answer.status, answer.body) == (500, b'invalid "callback" parameter')


async def test_polls_over_one_connection(echo: Service, session: str) -> None:
    stream = await echo.park(f"{session}/xhr")
    assert (await stream.answer()).body == b"o\n"
    for number in range(3):
        answer = asyncio.ensure_future(stream.ask(f"/echo{session}/xhr", method="POST", body=b""))
        await echo.send(session, f'["{number}"]')
        assert (await answer).body == b'a["%d"]\n' % number


@pytest.mark.parametrize("keep", [True, False])
async def test_polls_over_http_1_0(echo: Service, session: str, keep: bool) -> None:
    header = ["Connection: keep-alive"] if keep else []
    stream, head = await echo.stream(f"{session}/xhr", *header, version="1.0")
    assert head.header("content-length") == "2"
    assert await stream.exactly(2) == b"o\n"
    if not keep:
        assert await stream.rest() == b""


# The cookie for load balancers.


@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/xhr", "POST"),
        ("/xhr_streaming", "POST"),
        ("/eventsource", "GET"),
        ("/htmlfile?c=x", "GET"),
        ("/jsonp?c=x", "GET"),
    ],
)
async def test_the_cookie(lab: Lab, session: str, path: str, method: str) -> None:
    service = lab.service("cookie_needed_echo")
    _, head = await service.stream(session + path, method=method)
    assert head.header("set-cookie") == "JSESSIONID=dummy; Path=/"
    _, head = await service.stream(session + "2" + path, "Cookie: a=b; JSESSIONID=ab.c1; d=e", method=method)
    assert head.header("set-cookie") == "JSESSIONID=ab.c1; Path=/"
    _, head = await service.stream(session + "3" + path, 'Cookie: JSESSIONID="a b"', method=method)
    assert head.header("set-cookie") == "JSESSIONID=dummy; Path=/"


async def test_sends_set_the_cookie_too(lab: Lab, session: str) -> None:
    service = lab.service("cookie_needed_echo")
    assert await service.poll(session) == OPEN
    for path, body in (("/xhr_send", '["x"]'), ("/jsonp_send", '["x"]')):
        assert (await service.post(session + path, body)).header("set-cookie") == "JSESSIONID=dummy; Path=/"


async def test_other_services_set_no_cookie(echo: Service, session: str) -> None:
    assert (await echo.post(f"{session}/xhr", b"", "Cookie: JSESSIONID=x")).header("set-cookie") is None
