"""Sessions: their names, their beginning and end, and that one request at a time waits for their frames."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.served.sockjs.conftest import GO_AWAY, INTERRUPTED, OPEN, TAKEN, Lab, later
from tests.support.serving import until
from tests.support.sockjs import Ended, Service, Stream
from thywill.config import LimitsSettings
from thywill.push.sockjs.states import SessionState

pytestmark = pytest.mark.gen_test


# Names.


@pytest.mark.parametrize(
    "place", ["/a/a", "/_/_", "/1/1", "/abcdefgh_i-j%20/abcdefg_i-j%20", "/s/%C3%BC", "/s/~"]
)
async def test_any_name_will_do(echo: Service, place: str) -> None:
    assert await echo.poll(place) == OPEN


@pytest.mark.parametrize("place", ["//", "/a./a", "/a/a.", "/./.", "/", "///", "/a/" + "x" * 129])
@pytest.mark.parametrize("transport", ["xhr", "xhr_send", "eventsource", "jsonp"])
async def test_invalid_names_of_sessions(echo: Service, place: str, transport: str) -> None:
    for answer in (await echo.get(f"{place}/{transport}"), await echo.post(f"{place}/{transport}")):
        assert (answer.status, answer.code) == (404, "not_found")


async def test_a_name_that_is_not_text(echo: Service) -> None:
    for transport in ("xhr", "xhr_streaming"):
        answer = await echo.post(f"/0/%ff/{transport}")
        assert (answer.status, answer.code) == (400, "malformed")


async def test_the_server_part_means_nothing(echo: Service) -> None:
    assert await echo.poll("/000/one") == OPEN
    await echo.send("/555/one", '["x"]')
    assert await echo.poll("/999/one") == b'a["x"]'


async def test_services_do_not_share_sessions(lab: Lab, echo: Service, session: str) -> None:
    assert await echo.poll(session) == OPEN
    assert (await lab.service("disabled_websocket_echo").post(f"{session}/xhr_send", '["x"]')).status == 404


# Frames.


async def test_messages_that_wait_come_together(echo: Service, session: str) -> None:
    assert await echo.poll(session) == OPEN
    for body in ('["a"]', "[]", '["b","c"]'):
        await echo.send(session, body)
    assert await echo.poll(session) == b'a["a","b","c"]'


async def test_a_poll_waits(echo: Service, session: str) -> None:
    await echo.poll(session)
    poll = asyncio.ensure_future(echo.poll(session))
    await echo.send(session, '["x"]')
    assert await poll == b'a["x"]'


async def test_heartbeats(lab: Lab, session: str) -> None:
    service, _ = await lab.special({"heartbeat_delay": 0.1})
    assert await service.poll(session) == OPEN
    assert await service.poll(session) == b"h"
    stream, _ = await service.stream(f"{session}/xhr_streaming")
    assert [await stream.chunk() for _ in range(3)][1:] == [b"h\n", b"h\n"]


CHARACTERS = [*range(0x20), 0x22, 0x5C, 0x7F, 0xFC, 0x200B, 0x2028, 0x2029, 0xFEFF, 0xFFFF, 0x1F600]


async def test_every_character_comes_back(echo: Service, session: str) -> None:
    text = "".join(map(chr, CHARACTERS))
    await echo.poll(session)
    await echo.send(session, json.dumps([text]))
    frame = await echo.poll(session)
    assert json.loads(frame[1:]) == [text]


async def test_characters_that_browsers_mangle_are_escaped(echo: Service, session: str) -> None:
    mangled = [*range(0x20), *range(0x200C, 0x2010), *range(0x2028, 0x2030), *range(0x2060, 0x2070)]
    mangled += range(0xFFF0, 0x10000)
    await echo.poll(session)
    await echo.send(session, json.dumps(["".join(map(chr, mangled))]))
    assert (await echo.poll(session)).isascii()


async def test_half_a_character_becomes_a_whole_one(echo: Service, session: str) -> None:
    await echo.poll(session)
    await echo.send(session, r'["a\ud83d","\ud83d\ude00"]')
    assert json.loads((await echo.poll(session))[1:]) == ["a\ufffd", "\U0001f600"]


# The end.


async def test_the_reason_of_the_end_is_repeated(close: Service, session: str) -> None:
    assert await close.poll(session) == OPEN
    assert [await close.poll(session) for _ in range(3)] == [GO_AWAY] * 3
    assert (await close.post(f"{session}/xhr_send", '["x"]')).status == 404


async def test_a_stream_ends_with_its_session(close: Service, session: str) -> None:
    for frames in ([b"o\n", GO_AWAY + b"\n", b""], [GO_AWAY + b"\n", b""]):
        stream, _ = await close.stream(f"{session}/xhr_streaming")
        await stream.chunk()
        assert [await stream.chunk() for _ in frames] == frames


async def test_a_session_that_nobody_fetches_ends(lab: Lab, session: str) -> None:
    service, router = await lab.special({"disconnect_delay": 600})
    await service.poll(session)
    await service.send(session, '["x"]')
    later(router, 601)
    await until(lambda: not router.sessions)
    assert (await service.post(f"{session}/xhr_send", '["x"]')).status == 404
    assert await service.poll(session) == OPEN


async def test_a_session_that_is_fetched_goes_on(lab: Lab, session: str) -> None:
    service, router = await lab.special({"disconnect_delay": 600, "heartbeat_delay": 900})
    await service.poll(session)
    poll = asyncio.ensure_future(service.poll(session))
    (fetched,) = router.sessions.by_name.values()
    await until(lambda: fetched.state is SessionState.WAITING)
    later(router, 901)
    assert await poll == b"h"
    assert list(router.sessions.by_name.values()) == [fetched]


@pytest.mark.parametrize("transport", ["xhr", "xhr_streaming", "eventsource", "htmlfile?c=x", "jsonp?c=x"])
async def test_the_number_of_sessions_is_limited(lab: Lab, transport: str) -> None:
    service, router = await lab.special({"disconnect_delay": 600}, limits=LimitsSettings(sockjs_anonymous=2))
    for name in ("/0/a", "/0/b"):
        await service.poll(name)
    answer = await service.get(f"/0/c/{transport}", method=method(transport), body=body(transport))
    assert (answer.status, answer.code, answer.header("retry-after")) == (429, "too_many", "10")
    await service.send("/0/a", '["x"]')
    assert await service.poll("/0/a") == b'a["x"]'
    later(router, 601)
    await until(lambda: not router.sessions)
    assert await service.poll("/0/c") == OPEN


# One request at a time.


@pytest.mark.parametrize("first", ["xhr", "xhr_streaming", "eventsource", "htmlfile?c=x", "jsonp?c=x"])
@pytest.mark.parametrize("second", ["xhr", "xhr_streaming", "eventsource", "htmlfile?c=x", "jsonp?c=x"])
async def test_a_second_request_is_refused(
    lab: Lab, echo: Service, session: str, first: str, second: str
) -> None:
    await echo.poll(session)
    waiting = await echo.park(f"{session}/{first}", method=method(first))
    await lab.parked(session)
    answer = await echo.get(f"{session}/{second}", method=method(second), body=body(second))
    assert answer.status == 200
    assert TAKEN in answer.body.replace(b"\\", b"")
    await echo.send(session, '["still here"]')
    assert b"still here" in await read_until(waiting, b"still here")


@pytest.mark.parametrize("other", ["xhr_streaming", "eventsource", "htmlfile?c=x", "jsonp?c=x"])
async def test_another_transport_may_go_on(echo: Service, session: str, other: str) -> None:
    await echo.poll(session)
    await echo.send(session, '["x"]')
    waiting = await echo.park(f"{session}/{other}", method=method(other))
    assert b"a[" in await read_until(waiting, b"]")
    waiting.close()


@pytest.mark.parametrize("transport", ["xhr", "xhr_streaming", "eventsource", "htmlfile?c=x", "jsonp?c=x"])
async def test_a_broken_connection_ends_the_session(
    lab: Lab, echo: Service, session: str, transport: str
) -> None:
    await echo.poll(session)
    waiting = await echo.park(f"{session}/{transport}", method=method(transport))
    await lab.parked(session)
    waiting.reset()
    while (frame := await echo.poll(session)) == TAKEN:
        pass
    assert frame == INTERRUPTED
    assert (await echo.post(f"{session}/xhr_send", '["x"]')).status == 404


def method(transport: str) -> str:
    return "POST" if transport.startswith("xhr") else "GET"


def body(transport: str) -> bytes | None:
    return b"" if transport.startswith("xhr") else None


async def read_until(stream: Stream, end: bytes) -> bytes:
    seen = b""
    while end not in seen:
        try:
            seen += await stream.exactly(1)
        except Ended:
            break
    return seen
