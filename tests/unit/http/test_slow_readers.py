"""Browsers that read slowly, or no longer: the server waits with what it has, and not for ever."""

from __future__ import annotations

import pytest

from tests.support.serving import until
from tests.support.wire import Ended, Wire, request
from tests.unit.http.conftest import OURS, LogCollector, Serve, Served
from thywill.http.reader import Limits
from thywill.http.shared import Timeouts

pytestmark = pytest.mark.gen_test

SIZE = 12_000_000
MOST_IN_FLIGHT = 8_000_000
"""More than the buffers of both ends' kernels and the server's own can hold."""
ROUNDS = 20


async def start_download(served: Served) -> Wire:
    """Return a slow connection to which the server has stopped writing."""
    wire = await served.connect(slow=True)
    await wire.send(request(f"/download?size={SIZE}"))
    await until(lambda: served.place.memory.written)
    await still(served)
    return wire


async def still(served: Served) -> None:
    """Wait until nothing has been written for a number of rounds of the server's work."""
    rounds, written = 0, -1
    while rounds < ROUNDS:
        rounds = rounds + 1 if served.place.memory.written == written else 0
        written = served.place.memory.written
        await served.ask()


async def test_a_handler_waits_and_goes_on(serve: Serve) -> None:
    served = await serve()
    wire = await start_download(served)
    assert served.place.memory.written < MOST_IN_FLIGHT
    wire.hurry()
    answer = await wire.answer()
    assert len(answer.body) >= SIZE
    assert (await wire.ask()).status == 200


@pytest.mark.parametrize("end", ["close", "reset"])
async def test_a_browser_that_goes_ends_the_handler(serve: Serve, end: str) -> None:
    served = await serve()
    wire = await start_download(served)
    getattr(wire, end)()
    await served.empty()
    await until(lambda: served.place.memory.cut)
    assert served.place.memory.written < MOST_IN_FLIGHT


@OURS  # Tornado has no such time-out
async def test_one_that_no_longer_reads_is_cut(serve: Serve, logged: LogCollector) -> None:
    served = await serve(timeouts=Timeouts(write=0.2))
    wire = await start_download(served)
    await served.empty()
    await until(lambda: served.place.memory.cut)
    with pytest.raises(Ended):
        await wire.answer()
    logged.expect("does not read its answer")


@OURS  # Tornado has no such time-out
@pytest.mark.parametrize(
    "target", ["/page?size=12000000", "/big?size=12000000"], ids=["a handler's", "an endpoint's"]
)
@pytest.mark.parametrize("header", ["X: y", "Connection: close"])
async def test_one_that_does_not_read_a_whole_answer_is_cut(
    serve: Serve, logged: LogCollector, target: str, header: str
) -> None:
    served = await serve(timeouts=Timeouts(write=0.2, idle=0.2))
    wire = await served.connect(slow=True)
    await wire.send(request(target, header))
    await until(lambda: served.connections() == 1)
    await served.empty()
    logged.expect("does not read its answer")


@OURS  # Tornado has no such time-out
async def test_sending_does_not_make_up_for_not_reading(serve: Serve, logged: LogCollector) -> None:
    served = await serve(timeouts=Timeouts(write=0.3, idle=0.3))
    wire = await big(served)
    connection = served.inside(wire)
    while connection.transport is not None:
        await wire.send_whatever_goes([b"G"])
        await served.ask()
        await wire.send_whatever_goes([request("/later")[1:]])
        await served.ask()
    logged.expect("does not read its answer")
    assert b"/later" not in served.place.asked


@OURS  # Tornado reads nothing before its answer is gone
async def test_requests_of_a_slow_reader_are_bounded(serve: Serve) -> None:
    served = await serve(Limits(pipeline=4))
    wire = await big(served)
    for number in range(20):
        await wire.send(request(f"/later?{number}"))
        await served.ask()
    assert len(served.inside(wire)._pending) == 4
    wire.hurry()
    assert len((await wire.answer()).body) == SIZE
    for number in range(20):
        assert (await wire.answer()).json["target"] == f"/later?{number}"


async def big(served: Served) -> Wire:
    """Return a slow connection that an endpoint has sent more than it reads."""
    wire = await served.connect(slow=True)
    await wire.send(request(f"/big?size={SIZE}"))
    await until(lambda: served.place.asked)
    return wire


async def test_a_large_page_that_is_read_in_the_end_is_no_error(serve: Serve) -> None:
    served = await serve()
    wire = await served.connect(slow=True)
    await wire.send(request(f"/page?size={SIZE}") + request())
    await until(lambda: served.place.memory.finished)
    wire.hurry()
    assert len((await wire.answer()).body) == SIZE
    assert (await wire.answer()).json["target"] == "/now"


async def test_a_large_page_that_nobody_reads_is_no_error(serve: Serve) -> None:
    served = await serve()
    wire = await served.connect(slow=True)
    await wire.send(request(f"/page?size={SIZE}"))
    await until(lambda: served.place.memory.finished)
    wire.reset()
    await served.empty()


@OURS  # Tornado forgets what it has written when the browser stops sending
async def test_one_that_stops_sending_still_reads_what_was_written(serve: Serve) -> None:
    served = await serve()
    wire = await big(served)
    wire.finish_sending()
    wire.hurry()
    assert len((await wire.answer()).body) == SIZE
    assert await wire.rest() == b""


@OURS  # Tornado has no such time-out
async def test_one_that_stops_sending_and_reading_is_cut(serve: Serve) -> None:
    served = await serve(timeouts=Timeouts(write=0.2))
    wire = await served.connect(slow=True)
    # Less than what makes the server wait, but more than the browser's kernel takes.
    for size in range(3_000_000, 0, -50_000):
        await wire.send(request("/big?size=50000"))
        await served.ask()
        if served.inside(wire).transport.get_write_buffer_size():
            break
        assert size
    await wire.send(request("/park"))
    await served.parked(1)
    wire.finish_sending()
    await until(lambda: served.place.parked[0].closings)
    await served.empty()
