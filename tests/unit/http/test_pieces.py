"""Answers that are written piece by piece: how they end, and that the browser's pace is theirs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.support.serving import until
from tests.support.wire import Answer, Ended, Wire, request
from tests.unit.http.conftest import OURS, LogCollector, Serve, Served
from tests.unit.http.place import Pieces
from thywill.http.shared import Timeouts

pytestmark = pytest.mark.gen_test

PIECE = b"p" * 100_000
MOST_PIECES = 200
"""More than the buffers of both ends' kernels and the server's own can hold."""


async def begun(served: Served, *headers: str, slow: bool = False, **fields: str) -> tuple[Wire, Pieces]:
    """Return a connection on which an answer has begun, and who writes it."""
    wire = await served.connect(slow=slow)
    await wire.send(request("/pieces", *headers, **fields))
    await until(lambda: served.place.pieces)
    return wire, served.place.pieces[-1]


async def choked(served: Served, *headers: str) -> tuple[Wire, Pieces]:
    """Return likewise a connection that is not read until no more goes."""
    wire, pieces = await begun(served, *headers, slow=True)
    for _ in range(MOST_PIECES):
        if not pieces.write(PIECE):
            # With Tornado's server one piece may wait for a turn of the loop only.
            await served.ask()
        if not pieces.may_go_on:
            return wire, pieces
    raise AssertionError("it may be written to all the same")


async def written(served: Served, wire: Wire, *chunks: bytes) -> Answer:
    """Write ``chunks``, end the answer and return it."""
    pieces = served.place.pieces[-1]
    for chunk in chunks:
        pieces.write(chunk)
    pieces.reply.end()
    return await wire.answer()


async def test_pieces_are_chunks(serve: Serve) -> None:
    served = await serve()
    wire, pieces = await begun(served)
    assert pieces.may_go_on
    answer = await written(served, wire, b"and", b"x" * 17)
    assert (answer.status, answer.chunks) == (200, [b"begun", b"and", b"x" * 17])
    assert answer.header("content-type") == "text/plain"
    assert answer.header("transfer-encoding") == "chunked"
    assert answer.header("date")
    assert answer.header("connection") is None
    assert (await wire.ask()).status == 200
    assert (pieces.closings, pieces.turns) == (0, 0)


async def test_each_piece_arrives_at_once(serve: Serve) -> None:
    served = await serve()
    wire, pieces = await begun(served)
    await wire.exactly(len(b"HTTP/1.1"))
    for number in range(3):
        pieces.write(b"piece %d" % number)
        await wire._until(b"piece %d" % number)


@pytest.mark.parametrize("header", ["X: y", "Connection: keep-alive"])
async def test_over_http_1_0_the_connections_end_is_the_answers(serve: Serve, header: str) -> None:
    served = await serve()
    wire, _ = await begun(served, header, version="1.0")
    answer = await written(served, wire, b", ", b"done")
    assert answer.body == b"begun, done"
    assert answer.header("transfer-encoding") is answer.header("content-length") is None


@OURS  # Tornado says "Keep-Alive" to those that ask for it
async def test_which_they_are_told(serve: Serve) -> None:
    served = await serve()
    wire, _ = await begun(served, "Connection: keep-alive", version="1.0")
    assert (await written(served, wire)).header("connection") == "close"


async def test_a_connection_that_is_to_close_does(serve: Serve) -> None:
    served = await serve()
    wire, _ = await begun(served, "Connection: close")
    answer = await written(served, wire, b"!")
    assert (answer.body, answer.header("connection")) == (b"begun!", "close")
    assert await wire.rest() == b""


async def test_head_gets_the_head_alone(serve: Serve) -> None:
    served = await serve()
    wire, pieces = await begun(served, method="HEAD")
    assert pieces.write(b"nobody gets this")
    pieces.reply.end()
    answer = await wire.answer(head=True)
    assert (answer.status, answer.header("content-length")) == (200, None)
    assert (await wire.ask()).json["target"] == "/now"


async def test_its_head_can_be_dressed(serve: Serve) -> None:
    served = await serve()
    wire = await served.connect()
    await wire.send(request("/pieces?transformed"))
    await until(lambda: served.place.pieces)
    answer = await written(served, wire)
    assert (answer.status, answer.header("x-transformed"), answer.body) == (201, "yes", b"begun")


async def test_requests_that_arrive_meanwhile_are_answered_afterwards(serve: Serve) -> None:
    served = await serve()
    wire, _ = await begun(served)
    await wire.send(request("/now?after"))
    assert (await written(served, wire, b".")).body == b"begun."
    assert (await wire.answer()).json["target"] == "/now?after"


async def test_a_writer_is_called_when_the_browser_has_read(serve: Serve) -> None:
    served = await serve()
    wire, pieces = await choked(served)
    assert pieces.turns == 0 or served.tornado
    reading = asyncio.ensure_future(wire.answer())
    wire.hurry()
    await until(lambda: pieces.may_go_on)
    assert pieces.turns
    pieces.write(b"last")
    pieces.reply.end()
    assert (await reading).chunks[-1] == b"last"
    assert (await wire.ask()).status == 200


@pytest.mark.parametrize("end", [Wire.close, Wire.reset])
async def test_a_browser_that_goes(serve: Serve, end: Callable[[Wire], None]) -> None:
    served = await serve()
    wire, pieces = await begun(served)
    end(wire)
    await until(lambda: pieces.closings)
    assert not pieces.write(b"to nobody")
    pieces.reply.end()
    await served.empty()
    assert pieces.closings == 1


async def test_one_that_goes_without_reading(serve: Serve) -> None:
    served = await serve()
    wire, pieces = await choked(served)
    wire.reset()
    await until(lambda: pieces.closings)
    assert not pieces.write(b"to nobody")


@OURS  # Tornado forgets what it has written when the browser stops sending
async def test_nothing_more_is_written_to_a_connection_that_closes(serve: Serve) -> None:
    served = await serve(timeouts=Timeouts(write=0.5))
    wire, pieces = await begun(served, slow=True)
    connection = served.inside(wire)
    # Less than what makes the server wait, but more than the browser's kernel takes.
    while not connection.transport.get_write_buffer_size():
        assert pieces.write(PIECE[:20_000])
        await asyncio.sleep(0)
    wire.finish_sending()
    await until(lambda: not connection.is_open())
    assert [pieces.write(b"too late") for _ in range(10)] == [False] * 10
    await until(lambda: pieces.closings)


@OURS  # Tornado has no such time-out
async def test_one_that_no_longer_reads_is_cut(serve: Serve, logged: LogCollector) -> None:
    served = await serve(timeouts=Timeouts(write=0.2))
    wire, pieces = await choked(served)
    await until(lambda: pieces.closings)
    with pytest.raises(Ended):
        await wire.answer()
    logged.expect("does not read its answer")


@pytest.mark.parametrize("target", ["/pieces?gone", "/pieces?fails"])
async def test_an_error_in_the_middle_cuts_it(serve: Serve, logged: LogCollector, target: str) -> None:
    served = await serve()
    wire = await served.connect()
    await wire.send(request(target))
    with pytest.raises(Ended):
        await wire.answer()
    await until(lambda: served.place.pieces[0].closings == 1)
    if target.endswith("fails"):
        logged.expect("an endpoint that fails in the middle")


async def test_an_answer_that_has_begun_becomes_no_other(serve: Serve) -> None:
    served = await serve()
    wire, pieces = await begun(served)
    pieces.reply.send(200, b"another")
    assert b"another" not in await wire.rest()
    await until(lambda: pieces.closings == 1)


@OURS  # Tornado does not know
async def test_a_server_that_stops_says_so(serve: Serve) -> None:
    served = await serve()
    before, old = await begun(served)
    late = await served.connect()
    await late.send(request("/pieces")[:10])
    await until(lambda: served.connections() == 2 and served.inside(late)._reader)
    stop = asyncio.ensure_future(served.server.stop(60))
    await until(lambda: served.server.shared.stopping)
    await late.send(request("/pieces")[10:])
    await until(lambda: len(served.place.pieces) == 2)
    for pieces in served.place.pieces:
        pieces.reply.end()
    assert (await before.answer()).header("connection") is None
    assert (await late.answer()).header("connection") == "close"
    assert [await wire.rest() for wire in (before, late)] == [b"", b""]
    await stop
    assert old.closings == 0
