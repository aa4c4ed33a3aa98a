"""A browser, or a load balancer, that sends its request and says at once that nothing more will come."""

from __future__ import annotations

import pytest

from tests.support.serving import until
from tests.support.wire import request
from tests.unit.http.conftest import OURS, Serve
from thywill.http.shared import Timeouts

pytestmark = pytest.mark.gen_test


@OURS  # Tornado takes the end of what is sent for the end of the connection
@pytest.mark.parametrize("target", ["/now", "/later", "/plain", "/stream"])
async def test_the_answer_arrives(serve: Serve, target: str) -> None:
    served = await serve()
    for _ in range(5):
        wire = await served.connect()
        await wire.send(request(target))
        wire.finish_sending()
        assert (await wire.answer()).status == 200
        assert await wire.rest() == b""


@OURS  # Tornado serves the first only
async def test_all_that_it_had_sent_is_answered(serve: Serve) -> None:
    served = await serve()
    wire = await served.connect()
    targets = [f"/later?{number}" for number in range(20)]
    await wire.send(b"".join(request(target) for target in targets))
    wire.finish_sending()
    assert [(await wire.answer()).json["target"] for _ in targets] == targets
    assert await wire.rest() == b""


async def test_a_parked_request_learns_that_the_browser_may_be_gone(serve: Serve) -> None:
    served = await serve()
    wire = await served.connect()
    await wire.send(request("/park"))
    await served.parked(1)
    wire.finish_sending()
    await until(lambda: served.place.parked[0].closings == 1)


@OURS  # Tornado serves the first only
async def test_so_does_one_that_is_taken_up_later(serve: Serve) -> None:
    served = await serve()
    wire = await served.connect()
    await wire.send(request("/later") + request("/park"))
    wire.finish_sending()
    await wire.answer()
    await until(lambda: [parked.closings for parked in served.place.parked] == [1])


@OURS  # Tornado does not limit it
async def test_an_answer_that_does_not_come_is_not_waited_for(serve: Serve) -> None:
    served = await serve(timeouts=Timeouts(last=0.1))
    wire = await served.connect()
    await wire.send(request("/waiting"))
    await until(lambda: served.place.memory.begun)
    wire.finish_sending()
    await until(lambda: served.place.memory.closed)
    served.place.memory.gate.set()


@OURS
async def test_half_a_request_is_not_waited_for(serve: Serve) -> None:
    served = await serve()
    wire = await served.connect()
    await wire.send(request("/now")[:10])
    wire.finish_sending()
    assert await wire.rest() == b""
