"""Nobody who sends many requests at once keeps the loop from everybody else."""

from __future__ import annotations

import pytest

from tests.support.serving import until
from tests.support.wire import request
from tests.unit.http.conftest import OURS, Serve
from thywill.http.reader import Limits

pytestmark = pytest.mark.gen_test


@OURS  # Tornado's server knows no turns
async def test_large_bodies_wait_for_their_turns(serve: Serve) -> None:
    served = await serve(Limits(small_body=10))
    wires = [await served.connect() for _ in range(11)]
    *many, small = wires
    for wire in many:
        await wire.send(request("/now?large", method="POST", body=b"x" * 11))
    await small.send(request("/now?small", method="POST", body=b"x" * 10))
    for wire in wires:
        assert (await wire.answer()).status == 200
    assert served.place.asked.index(b"/now?small") < len(many) - 1


@OURS
async def test_a_large_body_is_read_in_turns(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    served = await serve()
    turns, waits = served.server.shared.turns, []
    wait = turns.wait
    monkeypatch.setattr(turns, "wait", lambda share, call: (waits.append(share), wait(share, call)))
    answer = await served.ask("/now", method="POST", body=b"x" * 1_000_000)
    assert len(answer.json["body"]) == 1_000_000
    assert len(waits) > 1  # one is that of the request, when it is whole


@OURS
async def test_a_browser_that_has_gone_meanwhile_gets_no_turn(serve: Serve) -> None:
    served = await serve(Limits(small_body=10))
    wires = [await served.connect() for _ in range(10)]
    for wire in wires:
        await wire.send(request("/now?large", method="POST", body=b"x" * 11))
        wire.reset()
    await served.empty()
    assert (await served.ask("/now")).status == 200


@OURS  # Tornado answers one request of a connection in a turn
async def test_a_connection_that_pipelines_gets_a_share_of_each_turn(serve: Serve) -> None:
    served = await serve(Limits(per_turn=3))
    flood, good = await served.connect(), await served.connect()
    count = 1000
    await flood.send(request("/now?flood") * count)
    await until(lambda: served.place.asked)
    await good.send(request("/now?good"))
    await good.answer()
    # One turn reads the request, one more may pass before it is read.
    assert served.place.asked.index(b"/now?good") < count - 3
    for _ in range(count):
        await flood.answer()
