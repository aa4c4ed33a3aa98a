"""The end of a server: what is under way is finished if it can be, and nothing is left."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.serving import until
from tests.support.wire import request
from tests.unit.http.conftest import OURS, Serve, Served
from thywill.http.states import ConnectionState as State

pytestmark = pytest.mark.gen_test

PATIENCE = 60.0
"""Seconds; a test that waits for so long fails by its own time-out."""
SHORT = 0.1


def stopping(served: Served) -> asyncio.Task[None]:
    """Begin to stop."""
    return asyncio.ensure_future(served.server.stop(PATIENCE))


async def test_without_a_connection(serve: Serve) -> None:
    served = await serve()
    await served.server.stop(PATIENCE)
    with pytest.raises(ConnectionRefusedError):
        await served.connect()


async def test_idle_connections_are_closed(serve: Serve) -> None:
    served = await serve()
    fresh, used = await served.connect(), await served.connect()
    await used.ask()
    await until(lambda: served.connections() == 2)
    await served.server.stop(PATIENCE)
    assert [await fresh.rest(), await used.rest()] == [b"", b""]


async def test_it_may_be_stopped_twice(serve: Serve) -> None:
    served = await serve()
    await served.connect()
    await asyncio.gather(served.server.stop(PATIENCE), served.server.stop(PATIENCE))
    await served.server.stop(PATIENCE)


async def test_parked_browsers_are_cut_when_the_time_is_over(serve: Serve) -> None:
    served = await serve()
    wires = [await served.connect() for _ in range(5)]
    for wire in wires:
        await wire.send(request("/park"))
    await served.parked(5)
    await served.server.stop(SHORT)
    assert [await wire.rest() for wire in wires] == [b""] * 5
    await until(lambda: all(parked.closings == 1 for parked in served.place.parked))


@OURS  # Tornado cuts them
async def test_parked_browsers_that_are_answered_in_time_are_closed_then(serve: Serve) -> None:
    served = await serve()
    wire = await served.connect()
    await wire.send(request("/park") + request("/now"))
    await served.parked(1)
    stop = stopping(served)
    await until(lambda: served.server.shared.stopping)
    served.place.parked[0].reply.send(200, b"parked")
    assert (await wire.answer()).body == b"parked"
    assert await wire.rest() == b""
    await stop
    assert served.place.parked[0].closings == 0


@OURS  # Tornado cuts them
async def test_requests_under_way_are_finished(serve: Serve) -> None:
    served = await serve()
    waiting, streaming, coming = [await served.connect() for _ in range(3)]
    await waiting.send(request("/waiting"))
    await streaming.send(request("/gated-stream"))
    await coming.send(request("/now", "Content-Length: 4", method="POST") + b"bo")
    await until(lambda: served.place.memory.begun and served.inside(coming)._reader)
    stop = stopping(served)
    await until(lambda: served.server.shared.stopping)
    await coming.send(b"dy")
    served.place.memory.gate.set()
    assert (await waiting.answer()).body == b"waited"
    assert (await streaming.answer()).chunks == [b"before", b"after"]
    assert (await coming.answer()).json["body"] == "body"
    await stop


@OURS  # Tornado cuts it
async def test_a_slow_reader_gets_the_rest(serve: Serve) -> None:
    served = await serve()
    wire = await served.connect(slow=True)
    await wire.send(request("/big?size=12000000"))
    await until(lambda: served.place.asked)
    stop = stopping(served)
    await until(lambda: served.server.shared.stopping)
    wire.hurry()
    assert len((await wire.answer()).body) == 12_000_000
    await stop


async def test_a_slow_reader_does_not_keep_it_from_stopping(serve: Serve) -> None:
    served = await serve()
    wire = await served.connect(slow=True)
    await wire.send(request("/big?size=12000000"))
    await until(lambda: served.place.asked)
    await served.server.stop(SHORT)
    await served.empty()


async def test_a_handler_that_goes_on_after_the_end(serve: Serve) -> None:
    served = await serve()
    wire = await served.connect()
    await wire.send(request("/waiting"))
    await until(lambda: served.place.memory.begun)
    await served.server.stop(SHORT)
    await until(lambda: served.place.memory.closed)
    served.place.memory.gate.set()


@OURS  # Tornado does not tell which requests are unfinished
async def test_half_a_request_delays_no_stop(serve: Serve) -> None:
    served = await serve()
    head, body = await served.connect(), await served.connect()
    await head.send(b"GET / HT")
    await body.send(request("/now", "Content-Length: 4", method="POST") + b"bo")
    await until(lambda: served.connections() == 2 and served.inside(body).state is State.BODY)
    await asyncio.wait_for(served.server.stop(600), PATIENCE)
    assert [await wire.rest() for wire in (head, body)] == [b"", b""]
