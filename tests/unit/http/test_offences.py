"""Each offence gets its answer and is the end of its connection; nobody else notices."""

from __future__ import annotations

import pytest

from tests.support.wire import Wire, request
from tests.unit.http.conftest import OURS, LogCollector, Serve, Served
from tests.unit.http.offences import LIMITS, OFFENCES, SILENT, Offence
from thywill.http.shared import Timeouts

pytestmark = pytest.mark.gen_test

PATIENT = Timeouts(linger=60)
"""The end is to come at once, and not when a deadline passes."""
HASTY = Timeouts(body=0.1)
"""For what Tornado's server waits for in vain."""


async def check(served: Served, wire: Wire, offence: Offence) -> None:
    """Read the answer to ``offence`` and, where it was refused, the connection's end."""
    status = offence.tornado if served.tornado else offence.status
    if status == SILENT:
        assert await wire.rest() == b""
        return
    answer = await wire.answer()
    assert answer.status == status
    if served.tornado:
        return
    assert answer.code == offence.code
    assert answer.header("connection") == "close"
    assert await wire.rest() == b""


@pytest.mark.parametrize("name", OFFENCES)
async def test_it_is_answered_and_is_the_end(
    serve: Serve, logged: LogCollector, kind: str, name: str
) -> None:
    served = await serve(LIMITS, HASTY if kind == "tornado" and OFFENCES[name].tornado == SILENT else PATIENT)
    neighbour, wire = await served.connect(), await served.connect()
    await neighbour.send(request("/park"))
    await wire.send(OFFENCES[name].data)
    await check(served, wire, OFFENCES[name])
    assert (await served.ask()).status == 200
    served.place.parked[0].reply.send(200, b"still here")
    assert (await neighbour.answer()).body == b"still here"
    if not served.tornado:
        logged.expect(f"refused: {OFFENCES[name].status}")


@pytest.mark.parametrize("name", ["rubbish", "a large header", "a large body", "no host for a handler"])
async def test_requests_before_it_are_answered_first(serve: Serve, name: str) -> None:
    served = await serve(LIMITS, PATIENT)
    wire = await served.connect()
    await wire.send(request("/later") + request("/plain") + request("/park") + OFFENCES[name].data)
    assert (await wire.answer()).json["target"] == "/later"
    assert (await wire.answer()).json["target"] == "/plain"
    await served.parked(1)
    served.place.parked[0].reply.send(200, b"parked")
    assert (await wire.answer()).body == b"parked"
    await check(served, wire, OFFENCES[name])


@OURS  # Tornado closes at once, and the reset may overtake the answer
async def test_a_browser_that_goes_on_sending_still_reads_why_it_was_refused(serve: Serve) -> None:
    served = await serve(LIMITS, PATIENT)
    wire = await served.connect()
    await wire.send(request("/now", "Content-Length: 100000", method="POST"))
    for _ in range(10):
        await wire.send(b"x" * 10_000)
        await served.ask()
    await check(served, wire, OFFENCES["a large body"])


async def test_requests_behind_an_offence_are_not_served(serve: Serve) -> None:
    served = await serve(LIMITS, PATIENT)
    wire = await served.connect()
    await wire.send(request("/park") + OFFENCES["rubbish"].data)
    await served.parked(1)
    await wire.send(request("/now?1"))
    served.place.parked[0].reply.send(200, b"parked")
    await wire.answer()
    await wire.send_whatever_goes([request("/now?2"), request("/now?3")])
    await check(served, wire, OFFENCES["rubbish"])
    assert [target for target in served.place.asked if target.startswith(b"/now")] == []
