"""When an answer is written: at once, or when all that has arrived is read."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.wire import request
from tests.unit.http.scene import Scene, Transport
from thywill.http.connection import HELD_BACK_LIMIT, Connection
from thywill.http.reply import format_answer

pytestmark = [
    pytest.mark.gen_test,
    pytest.mark.usefixtures("io_loop"),
    pytest.mark.parametrize("kind", ["fast"], indirect=True),
]


class Writes(Transport):
    """A transport that keeps each write apart."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[bytes] = []

    def write(self, data: bytes) -> None:
        super().write(data)
        self.writes.append(data)


def connect(scene: Scene) -> tuple[Connection, Writes]:
    """Return a further connection of the scene's server."""
    connection, transport = scene.server._connect(), Writes()
    connection.connection_made(transport)  # type: ignore[arg-type]
    return connection, transport


def answers(transport: Transport) -> int:
    return transport.written.count(b"HTTP/1.1 200 OK")


async def test_it_is_written_when_the_requests_of_others_are_read() -> None:
    scene = Scene()
    connected = [connect(scene) for _ in range(3)]
    for connection, _ in connected:
        connection.data_received(request("/now"))
    assert [transport.writes for _, transport in connected] == [[], [], []]
    await asyncio.sleep(0)
    assert [answers(transport) for _, transport in connected] == [1, 1, 1]


async def test_those_to_one_browser_are_one_write() -> None:
    connection, transport = connect(Scene())
    connection.data_received(request("/now?1") + request("/now?2"))
    connection.data_received(request("/now?3"))
    await asyncio.sleep(0)
    assert len(transport.writes) == 1
    found = [transport.written.index(target) for target in (b"/now?1", b"/now?2", b"/now?3")]
    assert found == sorted(found)


async def test_one_that_was_parked_is_written_at_once() -> None:
    scene = Scene()
    connection, transport = connect(scene)
    connection.data_received(request("/park"))
    scene.answer_parked()
    assert answers(transport) == 1


async def test_it_stays_behind_those_that_wait() -> None:
    scene = Scene()
    connection, transport = connect(scene)
    connection.data_received(request("/now") + request("/park"))
    scene.answer_parked()
    await asyncio.sleep(0)
    assert transport.written.index(b"/now") < transport.written.index(b"parked")


async def test_a_piece_stays_behind_them_too() -> None:
    scene = Scene()
    connection, transport = connect(scene)
    connection.data_received(request("/now") + request("/pieces"))
    assert transport.written.index(b"/now") < transport.written.index(b"begun")


async def test_large_ones_do_not_wait() -> None:
    connection, transport = connect(Scene())
    connection.data_received(request(f"/big?size={HELD_BACK_LIMIT}") * 2)
    assert len(transport.writes) == 2


async def test_they_are_written_before_the_connection_closes() -> None:
    connection, transport = connect(Scene())
    connection.data_received(request("/now") + request("/now", "Connection: close"))
    assert (answers(transport), transport.closing) == (2, True)


async def test_a_refusal_is_written_before_the_end() -> None:
    connection, transport = connect(Scene())
    connection.data_received(request("/now") + b"nonsense\r\n\r\n")
    assert transport.ended
    assert transport.written.index(b"200 OK") < transport.written.index(b"400 Bad Request")


async def test_a_browser_that_has_gone_meanwhile_is_no_trouble() -> None:
    connection, transport = connect(Scene())
    connection.data_received(request("/now"))
    connection.connection_lost(None)
    await asyncio.sleep(0)
    assert transport.writes == []


PARTS = (200, b"Content-Type: text/plain\r\n", b"hello")


async def test_the_answer_of_a_broadcast_is_written_down_once() -> None:
    shared = Scene().server.shared
    assert format_answer(shared, *PARTS) is format_answer(shared, *PARTS)


@pytest.mark.parametrize(
    ("place", "other"),
    [(0, 500), (1, b"Content-Type: text/html\r\n"), (2, b"other")],
)
async def test_an_answer_that_differs_in_one_part_is_another(place: int, other: int | bytes) -> None:
    parts = list(PARTS)
    parts[place] = other
    shared = Scene().server.shared
    first = format_answer(shared, *PARTS)
    other_answer = format_answer(shared, *parts)  # type: ignore[arg-type]
    assert other_answer != first
    assert other_answer == format_answer(Scene().server.shared, *parts)  # type: ignore[arg-type]


async def test_the_date_is_a_part_of_the_answer() -> None:
    shared = Scene().server.shared
    first = format_answer(shared, *PARTS)
    shared.date = b"Date: later\r\n"
    assert b"Date: later\r\n" in format_answer(shared, *PARTS) != first
