"""Nobody who sends many requests at once keeps the loop from everybody else."""

from __future__ import annotations

import pytest

from tests.support.serving import until
from tests.support.wire import request
from tests.unit.http.conftest import OURS, Serve
from thywill.http.reader import Limits

pytestmark = pytest.mark.gen_test


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
