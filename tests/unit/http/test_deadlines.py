"""Which deadline a connection has in each of its states, with a clock and a transport of the test's own."""

from __future__ import annotations

import asyncio

import pytest
from tornado.httputil import HTTPHeaders, ResponseStartLine
from tornado.iostream import StreamClosedError

from tests.support.serving import until
from tests.support.wire import request
from tests.unit.http.conftest import nothing_runs
from tests.unit.http.scene import Scene
from thywill.core.wheel import NEVER

pytestmark = [
    pytest.mark.gen_test,
    pytest.mark.usefixtures("io_loop"),
    pytest.mark.parametrize("kind", ["fast"], indirect=True),
]

IN_CHUNKS = "Transfer-Encoding: chunked"


async def test_each_part_of_a_request_has_one_deadline() -> None:
    scene = Scene()
    assert scene.connection.deadline == 30
    assert scene.receive(b"POST /park HTTP/1.1\r\n") == 1 + 10
    assert scene.receive(b"Host: test\r\n") == 1 + 10
    assert scene.receive(b"Content-Length: 3\r\n\r\n") == 3 + 20
    assert scene.receive(b"bo") == 3 + 20
    assert scene.receive(b"d") == NEVER
    assert scene.answer_parked() == 5 + 30
    assert scene.receive(b"\r\n") == 5 + 30  # line ends between requests draw nothing out
    assert scene.receive(request("/park") + b"G") == NEVER
    assert scene.receive(b"ET / HTTP/1.1\r\n") == NEVER
    assert scene.answer_parked() == 8 + 10


async def test_a_request_that_comes_behind_an_answered_one_has_its_own() -> None:
    scene = Scene()
    assert scene.receive(request() + b"G") == 1 + 10
    assert scene.receive(b"ET /now HTTP/1.1\r\nHost: a\r\n\r\n" + request("/", IN_CHUNKS)) == 2 + 20


async def test_writing_has_a_deadline_that_reading_does_not_move() -> None:
    scene = Scene()
    scene.connection.pause_writing()
    assert scene.connection.deadline == 40
    assert scene.receive(b"G") == 40
    assert scene.receive(b"ET /park HTTP/1.1\r\nHost: a\r\n\r\nP") == 40
    assert scene.place.parked == []
    scene.connection.resume_writing()
    await asyncio.sleep(0)
    assert (scene.connection.deadline, len(scene.place.parked)) == (NEVER, 1)
    assert scene.answer_parked() == 2 + 10


async def test_100_continue_waits_for_the_browser_to_read() -> None:
    scene = Scene()
    scene.connection.pause_writing()
    scene.receive(request("/now", "Expect: 100-continue", "Content-Length: 1"))
    assert scene.transport.written == b""
    for _ in range(2):
        scene.connection.resume_writing()
        await asyncio.sleep(0)
        assert scene.transport.written == b"HTTP/1.1 100 Continue\r\n\r\n"
        scene.connection.pause_writing()


async def test_a_browser_that_stops_sending_has_to_read_what_is_left() -> None:
    scene = Scene()
    scene.receive(request("/park"))
    scene.transport.unsent = 1
    scene.connection.eof_received()
    assert scene.connection.deadline == 1 + 40
    scene.connection.pause_writing()
    scene.connection.resume_writing()
    assert scene.connection.deadline == 1 + 40
    assert scene.answer_parked() == 1 + 40
    scene.connection.timed_out()
    assert scene.transport.aborted


async def test_a_closing_connection_with_nothing_left_is_not_kept_in_the_wheel() -> None:
    scene = Scene()
    scene.receive(request("/park"))
    assert scene.server.shared.wheel.advance(100) == []
    scene.connection.eof_received()
    scene.connection.connection_lost(None)
    assert len(scene.server.shared.wheel) == 0


async def test_a_time_out_is_answered_where_an_answer_can_be_read() -> None:
    scene = Scene()
    scene.receive(request("/now", "Expect: 100-continue", "Content-Length: 1"))
    scene.time = 100
    scene.connection.timed_out()
    first, _, rest = scene.transport.written.partition(b"\r\n\r\n")
    assert first == b"HTTP/1.1 100 Continue"
    assert rest.startswith(b"HTTP/1.1 408 ")
    assert rest.count(b"HTTP/1.1") == 1
    assert (scene.transport.ended, scene.connection.deadline) == (True, 100 + 50)
    assert scene.receive(request("/now")) == 100 + 50
    scene.connection.timed_out()
    assert scene.transport.aborted


async def test_a_handler_learns_that_the_browser_has_gone() -> None:
    scene = Scene()
    scene.receive(request("/waiting"))
    await asyncio.sleep(0)
    handler = scene.connection._exchange
    assert handler is not None
    scene.connection.close()
    written = handler.write_headers(ResponseStartLine("", 200, "OK"), HTTPHeaders())  # type: ignore[attr-defined]
    with pytest.raises(StreamClosedError):
        await written
    assert scene.transport.written == b""
    scene.connection.connection_lost(None)
    scene.memory.gate.set()
    await nothing_runs()


async def test_reading_stops_and_continues_with_waiting_bytes() -> None:
    scene = Scene()
    scene.receive(request("/park"))
    for count in range(1, 5):
        scene.receive(request("/park"))
        assert scene.transport.reading is (count < 4)
    scene.answer_parked()
    assert not scene.transport.reading
    for _ in range(4):
        scene.answer_parked()
    assert scene.transport.reading
    assert scene.connection.deadline == 5 + 30


async def test_unread_bytes_are_read_in_the_end() -> None:
    scene = Scene()
    scene.receive(request("/park") + request("/now?1") * 3000 + request("/park") + b"GET /now?2 HT")
    assert (scene.place.asked, scene.transport.reading) == ([b"/park"], False)
    scene.answer_parked()
    assert len(scene.place.asked) < 3000  # others have their turn in between
    await until(lambda: len(scene.place.asked) == 3002)
    assert not scene.transport.reading
    scene.answer_parked()
    assert scene.transport.reading
    assert scene.connection.deadline == 1 + 10
    scene.receive(b"TP/1.1\r\nHost: a\r\n\r\n")
    assert scene.place.asked[-1] == b"/now?2"
