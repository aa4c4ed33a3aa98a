"""SockJS sessions of the product: the envelope, its errors and close codes, bad input, bounds."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import Any

import pytest

from tests.contracts.push.conftest import Desk
from tests.support.page import Page
from tests.support.serving import Running, hasten, until
from tests.support.sockjs import Service
from tests.support.transports import SESSIONS, TRANSPORTS, Cut, SockJS, Xhr, XhrStreaming
from tests.support.wire import Wire, request
from thywill.core.envelope import encode_message
from thywill.core.message import Address
from thywill.push.sockjs.component import SockJS as Component
from thywill.push.sockjs.sessions import SessionKeeper

pytestmark = pytest.mark.gen_test

BASE = "/thywill/sockjs"


async def send(running: Running, client_id: str, data: Any) -> None:
    """Send to a client, as the application does."""
    address = Address.client(client_id)
    await running.service.engine.actions.append("probe", address, encode_message(address, data, 65536))


def sessions(desk: Desk) -> SessionKeeper:
    """Return the sessions that the server knows."""
    (push,) = [each for each in desk.running.service.pushes if isinstance(each, Component)]
    return push.router.sessions


async def said_at_last(session: SockJS) -> tuple[list[Any], tuple[int, str]]:
    """Return what the session still says, and how it is closed."""
    said: list[Any] = []
    with contextlib.suppress(Cut):
        while True:
            said.append(await session.receive())
    assert session.closed is not None
    return said, session.closed


async def page_on(desk: Desk, kind: type[SockJS]) -> tuple[Page, SockJS]:
    """Return a page that is connected by a session, and the session."""
    page = await desk.page(kind)
    return page, session_of(page)


def session_of(page: Page) -> SockJS:
    assert isinstance(page.transport, SockJS)
    return page.transport


# What is there.


async def test_the_addresses(desk: Desk) -> None:
    running = await desk.serve()
    assert (await running.fetch("thywill/sockjs")).body == b"Welcome to SockJS!\n"
    info = json.loads((await running.fetch("thywill/sockjs/info")).body)
    assert (info["websocket"], info["cookie_needed"]) == (False, False)
    for missing in ("websocket", "0/0/websocket", "nothing", "iframe.html"):
        response = await running.fetch(f"thywill/sockjs/{missing}")
        assert (response.code, json.loads(response.body)["error"]["code"]) == (404, "not_found")


async def test_pages_know_of_it(desk: Desk) -> None:
    running = await desk.serve()
    assert b'"push":["sockjs","longpoll"]' in (await running.fetch("probe/")).body


async def test_the_frame_is_there_for_other_origins(desk: Desk) -> None:
    running = await desk.serve(client_interface={"origins": ["https://page.example"]})
    response = await running.fetch("thywill/sockjs/iframe.html")
    assert b"sockjs.min.js" in response.body
    assert response.headers["Content-Security-Policy"] == "frame-ancestors 'self' https://page.example"


async def test_its_settings(desk: Desk) -> None:
    own = {"hold": 0.1, "cookie": True, "client": "/own/sockjs.js", "response": 1, "pause": 1}
    push = {"components": ["sockjs"], "sockjs": own}
    await desk.serve(push=push, client_interface={"origins": ["*"]})
    service = Service(desk.port, BASE)
    assert b'src="/own/sockjs.js"' in (await service.get("/iframe.html")).body
    assert (await service.post("/0/s/xhr")).header("set-cookie") == "JSESSIONID=dummy; Path=/"
    stream, _ = await service.stream("/0/t/xhr_streaming")
    assert [await stream.chunk() for _ in range(3)][1:] == [b"o\n", b""]
    service.close()


# The envelope.


async def test_the_first_answer_comes_at_once(desk: Desk, transport: type[SockJS]) -> None:
    page = await desk.page()
    session = await page.use(transport)
    assert await session.receive() == {"messages": [], "cursor": 0, "after": 0}
    client = desk.running.service.engine.directory.clients[page.id]
    assert (client.state.value, client.transport) == ("connected", f"sockjs {transport.shown()}")


async def test_messages_say_what_they_come_after(desk: Desk, transport: type[SockJS]) -> None:
    page, session = await page_on(desk, transport)
    await page.send({"echo": "a"})
    first = await session.receive()
    await page.send({"echo": "b"})
    second = await session.receive()
    assert (first["after"], second["after"]) == (0, first["cursor"])
    assert [item[1] for item in first["messages"] + second["messages"]] == ["a", "b"]


async def test_an_echo_comes_at_once(desk: Desk, transport: type[SockJS]) -> None:
    page, session = await page_on(desk, transport)
    await session.say({"cursor": 0, "echo": True})
    assert await session.receive() == {"messages": [], "cursor": 0, "after": 0}
    await page.send({"echo": "a"})
    first = await session.receive()
    await session.say({"cursor": first["cursor"], "echo": True})
    assert await session.receive() == {"messages": [], "cursor": first["cursor"], "after": first["cursor"]}


async def test_a_hello_may_come_twice(desk: Desk) -> None:
    page, session = await page_on(desk, XhrStreaming)
    await session.say({"token": page.token, "cursor": 0})
    await page.send({"echo": "x"})
    assert await page.until(1) == ["x"]


async def test_one_frame_of_the_browser_may_say_everything(desk: Desk) -> None:
    page = await desk.page()
    session = await desk.session(Xhr)
    await session.say({"token": page.token, "cursor": 0, "messages": [[1, {"echo": "x"}]], "unknown": 1})
    assert await session.outcome() == {"received": 1}
    assert (await session.receive())["messages"] == []
    assert (await session.receive())["messages"][0][1] == "x"


async def test_a_response_ends_and_the_next_goes_on(desk: Desk) -> None:
    await desk.serve(push={"sockjs": {"response": 300}})
    page, _ = await page_on(desk, XhrStreaming)
    for number in range(20):
        await page.send({"echo": [number, "x" * 50]})
    assert [data[0] for data in await page.until(20)] == list(range(20))


async def test_heartbeats(desk: Desk, transport: type[SockJS]) -> None:
    page, session = await page_on(desk, transport)
    # The first one is due now, since one with a short hold ends where a busy machine is late with its token.
    keeper = sessions(desk)
    keeper.hold = 0.1
    for each in keeper.by_name.values():
        keeper.schedule(each, 0)
    await until(lambda: session.heartbeats >= 2)
    await page.send({"echo": "x"})
    assert await page.until(1) == ["x"]


# Bounds.


async def test_a_page_that_does_not_acknowledge_gets_no_more(desk: Desk) -> None:
    page, session = await page_on(desk, XhrStreaming)
    client = desk.running.service.engine.directory.clients[page.id]
    for number in range(150):
        await send(desk.running, page.id, number)
    got: list[int] = []
    while len(got) < 100:
        got += [item[1] for item in (await session.receive())["messages"]]
    await until(lambda: not client.waiting)
    assert (got, client.outbox.in_flight, len(client.outbox)) == (list(range(100)), 100, 150)
    assert session.said.empty()
    await session.acknowledge(client.outbox.entries[59].id)
    while len(got) < 150:
        got += [item[1] for item in (await session.receive())["messages"]]
    assert got == list(range(150))


async def test_a_burst_goes_on_with_each_acknowledgement(desk: Desk) -> None:
    page, session = await page_on(desk, XhrStreaming)
    for number in range(15):
        await send(desk.running, page.id, [number, "x" * 60_000])
    got: list[int] = []
    while len(got) < 15:
        said = await session.receive()
        got += [item[1][0] for item in said["messages"]]
        await session.acknowledge(said["cursor"])
    assert got == list(range(15))


async def test_a_page_that_reads_nothing_costs_its_queue_alone(desk: Desk) -> None:
    page, session = await page_on(desk, XhrStreaming)
    client = desk.running.service.engine.directory.clients[page.id]
    session.stop_reading()
    for _ in range(200):
        await send(desk.running, page.id, "x" * 50_000)
        await asyncio.sleep(0)
    given = client.outbox.entries[: client.outbox.in_flight]
    assert sum(len(entry.encoded) for entry in given) <= 256 * 1024
    assert client.outbox.size <= 1024 * 1024
    await page.use(Xhr)
    while page.lost + len(page.data) < 200:
        await page.step()


async def test_outcomes_that_nobody_fetches_do_not_pile_up(desk: Desk) -> None:
    _, session = await page_on(desk, Xhr)
    # What the waiting poll is answered, nobody follows up.
    session.stop_reading()
    for number in range(1, 50):
        await session.say({"messages": [[number, 0]]})
    service = Service(desk.port, session.base)
    answer = await service.post("/xhr")
    assert answer.body == b'a["{\\"received\\":49}"]\n'


async def test_an_outcome_and_a_message_come_together(desk: Desk) -> None:
    page, session = await page_on(desk, Xhr)
    client = desk.running.service.engine.directory.clients[page.id]
    # What the waiting poll is answered, nobody follows up.
    session.stop_reading()
    await session.say({"messages": [[1, 0]]})
    await session.say({"messages": [[2, {"echo": "x"}]]})
    await until(lambda: client.outbox.entries)
    answer = await Service(desk.port, session.base).post("/xhr")
    message, outcome = map(json.loads, json.loads(answer.body[1:]))
    assert (message["messages"][0][1], outcome) == ("x", {"received": 2})


# Bad input.

MALFORMED = {
    "no JSON": "{",
    "an array": "[]",
    "a number": "1",
    "a token of another type": '{"token":1}',
    "a cursor of another type": '{"cursor":"1"}',
    "a negative cursor": '{"cursor":-1}',
    "messages of another type": '{"messages":{}}',
    "an item of another type": '{"messages":[1]}',
    "nested without end": "[" * 100_000,
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
async def test_malformed_frames(desk: Desk, text: str) -> None:
    page, session = await page_on(desk, Xhr)
    await session.write(json.dumps([text, json.dumps({"messages": [[1, "never"]]})]))
    (said,), (code, _) = await said_at_last(session)
    assert (said["error"]["code"], code) == ("malformed", 4000)
    await page.use(XhrStreaming)
    assert await page.send("good") == {"received": 1}


@pytest.mark.parametrize(
    ("hello", "code", "close"),
    [
        ({}, "bad_token", 4001),
        ({"cursor": 0}, "bad_token", 4001),
        ({"messages": [[1, "x"]]}, "bad_token", 4001),
        ({"token": ""}, "bad_token", 4001),
        ({"token": "ü"}, "bad_token", 4001),
        ({"token": "a.b.c"}, "bad_token", 4001),
    ],
)
async def test_sessions_that_show_no_token(
    desk: Desk, transport: type[SockJS], hello: object, code: str, close: int
) -> None:
    session = await desk.session(transport)
    await session.say(hello)
    (said,), closed = await said_at_last(session)
    assert (said["error"]["code"], closed[0]) == (code, close)


async def test_another_client_in_the_same_session(desk: Desk) -> None:
    _, session = await page_on(desk, Xhr)
    other = await desk.page()
    await session.say({"token": other.token, "cursor": 0})
    (said,), (code, _) = await said_at_last(session)
    assert (said["error"]["code"], code) == ("malformed", 4000)
    await other.use(Xhr)
    assert (await other.step())["messages"] == []


async def test_a_session_that_says_nothing_is_closed(desk: Desk) -> None:
    await desk.serve(push={"sockjs": {"hold": 0.1}})
    session = await desk.session(XhrStreaming)
    (said,), (code, _) = await said_at_last(session)
    assert (said["error"]["code"], code) == ("bad_token", 4001)


async def test_an_anonymous_session_may_send_little(desk: Desk) -> None:
    session = await desk.session(Xhr)
    service = Service(desk.port, session.base)
    for path, kind in (("/xhr_send", "text/plain"), ("/jsonp_send", "application/x-www-form-urlencoded")):
        answer = await service.post(path, "a=&" * 6000, f"Content-Type: {kind}")
        assert (answer.status, answer.code) == (413, "too_large")
    answer = await service.post("/xhr_send", json.dumps(["{}"] * 11))
    assert (answer.status, answer.body) == (500, b"11 messages in one request; it may have 10.")
    page = await desk.page()
    await session.say({"token": page.token, "cursor": 0})
    await session.write(json.dumps([json.dumps({"cursor": 0, "padding": "x" * 20_000})] * 11))
    assert (await session.receive())["messages"] == []


async def test_large_bodies_are_refused_by_their_heads(desk: Desk) -> None:
    session = await desk.session(Xhr)
    for path, status in {
        f"{session.base}/jsonp_send": 413,
        f"{session.base}/xhr": 413,
        f"{BASE}/0/nobody/jsonp_send": 404,
        f"{BASE}/0/nobody/nothing": 413,
        "/thywill/connect": 413,
        "/thywill/leave": 413,
        "/probe/": 413,
    }.items():
        wire = await Wire.connect(desk.port)
        await wire.send(request(path, "Content-Length: 140000", method="POST"))
        assert (path, (await wire.answer()).status) == (path, status)
        wire.close()
    assert desk.running.service.hub.limited == {"small_body": 6}


async def test_a_request_with_too_many_values_is_refused(desk: Desk) -> None:
    _, session = await page_on(desk, Xhr)
    service = Service(desk.port, session.base)
    answer = await service.post("/xhr_send", json.dumps(["[%s]" % ("0," * 50_000)]))
    assert (answer.status, answer.code) == (413, "too_large")
    wire = await Wire.connect(desk.port)
    await wire.send(request(f"{session.base}/jsonp_send", "Content-Length: 400000", method="POST"))
    assert (await wire.answer()).status == 413
    wire.close()


async def test_the_anonymous_sessions_of_an_address_are_limited(desk: Desk) -> None:
    running = await desk.serve(limits={"sockjs_anonymous_per_address": 2})
    first, _ = await desk.session(Xhr), await desk.session(XhrStreaming)
    service = Service(desk.port, BASE)
    for path in ("/0/x/xhr", "/0/x/xhr_streaming"):
        answer = await service.post(path)
        assert (answer.status, answer.code, answer.json["error"]["retry"]) == (429, "too_many", 10)
    assert running.service.hub.limited == {"sockjs_anonymous_per_address": 2}
    page = await desk.page()
    await first.say({"token": page.token, "cursor": 0})
    await first.receive()
    assert (await service.post("/0/x/xhr")).body == b"o\n"


async def test_a_session_has_little_time_to_show_a_token(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("thywill.push.sockjs.client_session.TOKEN_SECONDS", 0.1)
    session = await desk.session(XhrStreaming)
    (said,), (code, _) = await said_at_last(session)
    assert (said["error"]["code"], code) == ("bad_token", 4001)


async def test_a_client_that_is_gone(desk: Desk, transport: type[SockJS]) -> None:
    page, session = await page_on(desk, transport)
    await page.send({"evict": "enough"})
    (said,), closed = await said_at_last(session)
    assert said == {"error": {"code": "gone", "message": "enough"}}
    assert closed == (4010, "enough")
    await page.use(transport)
    assert await said_at_last(session_of(page)) == ([said], (4010, "enough"))


async def test_a_cursor_that_was_overtaken(desk: Desk) -> None:
    page, _ = await page_on(desk, Xhr)
    await page.send({"echo": 1})
    await page.until(1)
    client = desk.running.service.engine.directory.clients[page.id]
    await until(lambda: client.outbox.cursor == page.cursor)
    late = await desk.session(Xhr)
    await late.say({"token": page.token, "cursor": 0})
    (said,), (code, _) = await said_at_last(late)
    assert said == {"messages": [], "cursor": page.cursor, "superseded": True}
    assert code == 4200
    await page.send({"echo": 2})
    assert await page.until(2) == [1, 2]


async def test_pages_of_other_origins(desk: Desk) -> None:
    await desk.serve()
    service = Service(desk.port, BASE)
    for path in ("/0/x/xhr", "/0/x/xhr_send", "/0/x/xhr_streaming"):
        answer = await service.post(path, b"", "Origin: http://evil.example")
        assert (answer.status, answer.code) == (403, "origin")
    assert not sessions(desk)


async def test_logs_hold_no_token_and_no_message(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    page, _ = await page_on(desk, Xhr)
    await page.send({"echo": "a secret of theirs"})
    await page.until(1)
    await page.transport.send([[9, "a secret of theirs"]])
    assert page.token not in caplog.text
    assert "a secret of theirs" not in caplog.text


# The end.


async def test_a_drain_closes_sessions(desk: Desk, transport: type[SockJS]) -> None:
    _, session = await page_on(desk, transport)
    desk.running.service.engine.drain.begin(1)
    (said,), (code, _) = await said_at_last(session)
    assert 1 <= said["retry"] <= 2
    assert code == 4103
    (said,), (code, _) = await said_at_last(await desk.session(transport))
    assert (said["error"]["code"], said["error"]["retry"], code) == ("draining", 2, 4103)


async def test_a_stop_does_not_wait_for_sessions(desk: Desk) -> None:
    running = await desk.serve(server={"stop_timeout": 300})
    for kind in SESSIONS:
        await desk.page(kind)
    begun = asyncio.get_running_loop().time()
    await running.service.stop()
    assert asyncio.get_running_loop().time() - begun < 60


async def test_nothing_is_left_of_sessions(desk: Desk) -> None:
    running = await desk.serve()
    for kind in TRANSPORTS:
        page = await desk.page(kind)
        await page.transport.close()
    hasten(running)
    await until(lambda: not sessions(desk) and not running.service.engine.directory.clients)
