"""Browsers that take too long, or send without an end."""

from __future__ import annotations

import asyncio

import pytest

from tests.support.serving import until
from tests.support.wire import Wire, request
from tests.unit.http.conftest import OURS, Serve, Served
from tests.unit.http.offences import LIMITS
from thywill.http.shared import Timeouts
from thywill.http.states import ConnectionState as State

pytestmark = pytest.mark.gen_test

SHORT = 0.1
LINGER = 0.1
FLOOD = 200_000
ROUNDS = 5
"""Of the loop, between two drops."""
IN_CHUNKS = "Transfer-Encoding: chunked"
BOTH = pytest.mark.parametrize("target", ["/now", "/plain"])


def brief(**timeouts: float) -> Timeouts:
    """Return time-outs of which those not named are long, but for the time after a refusal."""
    return Timeouts(**{"linger": LINGER, **timeouts})


async def timed_out(served: Served, wire: Wire) -> None:
    """Read what a browser is told that took too long."""
    if served.tornado:  # which knows no 408: it closes
        assert await wire.rest() == b""
        return
    answer = await wire.answer()
    assert (answer.status, answer.code) == (408, "timeout")
    assert await wire.rest() == b""


async def pass_time(served: Served) -> None:
    """Wait for as long as another idle connection may stay."""
    await (await served.connect()).rest()


async def trickle(wire: Wire, piece: bytes) -> None:
    """Send ``piece`` again and again until the server closes."""
    while await wire.send_whatever_goes([piece]):
        for _ in range(ROUNDS):
            await asyncio.sleep(0)


class TestTime:
    """Deadlines."""

    @pytest.mark.parametrize("part", [b"G", b"GET /now", request()[:-2]])
    async def test_a_header_that_does_not_end(self, serve: Serve, part: bytes) -> None:
        served = await serve(timeouts=brief(header=SHORT, idle=SHORT))
        wire = await served.connect()
        await wire.send(part)
        await timed_out(served, wire)
        await served.empty()

    async def test_a_header_that_comes_drop_by_drop(self, serve: Serve) -> None:
        served = await serve(timeouts=brief(header=SHORT, idle=SHORT))
        wire = await served.connect()
        await wire.send(b"GET /now?")
        await trickle(wire, b"x")
        await served.empty()
        assert not [target for target in served.place.asked if target.startswith(b"/now?")]

    @BOTH
    @pytest.mark.parametrize("length", ["Content-Length: 100000", IN_CHUNKS])
    async def test_a_body_that_does_not_come(self, serve: Serve, target: str, length: str) -> None:
        served = await serve(timeouts=brief(body=SHORT))
        wire = await served.connect()
        await wire.send(request(target, length, method="POST"))
        await timed_out(served, wire)
        await served.empty()

    @BOTH
    async def test_a_body_that_comes_drop_by_drop(self, serve: Serve, target: str) -> None:
        served = await serve(timeouts=brief(body=SHORT))
        wire = await served.connect()
        await wire.send(request(target, "Content-Length: 100000", method="POST"))
        await trickle(wire, b"x")
        await served.empty()

    @OURS  # for Tornado the header's time is the idle time
    async def test_a_body_has_a_time_of_its_own(self, serve: Serve) -> None:
        served = await serve(timeouts=brief(header=SHORT, idle=SHORT))
        wire = await served.connect()
        await wire.send(request("/now", "Content-Length: 4", method="POST") + b"bo")
        await pass_time(served)
        await wire.send(b"dy")
        assert (await wire.answer()).json["body"] == "body"

    async def test_a_body_that_was_asked_for_and_does_not_come(self, serve: Serve) -> None:
        served = await serve(timeouts=brief(body=SHORT))
        wire = await served.connect()
        await wire.send(request("/now", "Expect: 100-continue", "Content-Length: 4", method="POST"))
        assert (await wire.answer()).status == 100
        await timed_out(served, wire)

    @pytest.mark.parametrize("first", [b"", b"\r\n", request()])
    async def test_an_idle_connection_is_closed_without_a_word(self, serve: Serve, first: bytes) -> None:
        served = await serve(timeouts=brief(idle=SHORT))
        wire = await served.connect()
        await wire.send(first)
        if first == request():
            await wire.answer()
        assert await wire.rest() == b""
        await served.empty()

    async def test_a_browser_that_waits_has_all_the_time(self, serve: Serve) -> None:
        served = await serve(timeouts=Timeouts(SHORT, SHORT, SHORT, SHORT, SHORT))
        parked, waiting = await served.connect(), await served.connect()
        await parked.send(request("/park"))
        await waiting.send(request("/waiting"))
        await served.parked(1)
        await pass_time(served)
        await pass_time(served)
        served.place.parked[0].reply.send(200, b"parked")
        served.place.memory.gate.set()
        assert (await parked.answer()).body == b"parked"
        assert (await waiting.answer()).body == b"waited"

    @OURS  # Tornado reads the next request when the one before is answered
    async def test_a_request_begun_meanwhile_gets_its_own_deadline(self, serve: Serve) -> None:
        served = await serve(timeouts=brief(header=SHORT, idle=SHORT))
        wire = await served.connect()
        await wire.send(request("/park") + b"GET /now")
        await served.parked(1)
        await pass_time(served)
        served.place.parked[0].reply.send(200, b"parked")
        assert (await wire.answer()).body == b"parked"
        await timed_out(served, wire)

    @OURS  # Tornado closes at once
    async def test_a_refused_browser_that_stays_is_cut(self, serve: Serve) -> None:
        served = await serve(timeouts=brief())
        silent, talking = await served.connect(), await served.connect()
        for wire in (silent, talking):
            await wire.send(b"rubbish\r\n\r\n")
            assert (await wire.answer()).status == 400
        await trickle(talking, b"more")
        await until(lambda: served.connections() == 0)


ENDLESS = {
    "an address": (b"GET /", b"x" * 100, 431),
    "a header's name": (b"GET /now HTTP/1.1\r\n", b"x" * 100, 431),
    "a header's value": (b"GET /now HTTP/1.1\r\nX: ", b"x" * 100, 431),
    "headers": (b"GET /now HTTP/1.1\r\n", b"X: y\r\n", 431),
    "a chunk's size": (request("/now", IN_CHUNKS), b"0" * 100, 431),
    "a chunk's extension": (request("/now", IN_CHUNKS) + b"1;", b"x" * 100, 431),
    "a trailer's value": (request("/now", IN_CHUNKS) + b"0\r\nX: ", b"x" * 100, 431),
    "trailers": (request("/now", IN_CHUNKS) + b"0\r\n", b"X: y\r\n", 431),
    "chunks": (request("/now", IN_CHUNKS), b"64\r\n" + b"x" * 100 + b"\r\n", 413),
    "chunks for a handler": (request("/plain", IN_CHUNKS), b"64\r\n" + b"x" * 100 + b"\r\n", 413),
    "tiny chunks": (request("/now", IN_CHUNKS), b"1\r\nx\r\n" * 20, 413),
}


class TestSize:
    """Floods: each ends soon, with an answer, whatever the pieces it comes in."""

    @pytest.mark.parametrize("name", ENDLESS)
    async def test_it_is_refused_in_time(self, serve: Serve, name: str) -> None:
        served = await serve(LIMITS)
        start, piece, status = ENDLESS[name]
        wire = await served.connect()
        await wire.send(start)
        sent = 0
        while sent < FLOOD:
            sent += await wire.send_whatever_goes([piece])
            if await self._is_answered(served, wire):
                break
        assert sent < FLOOD
        if served.tornado:  # which knows 400 alone, or closes
            return
        answer = await wire.answer()
        assert (answer.status, answer.code) == (status, "too_large")

    async def _is_answered(self, served: Served, wire: Wire) -> bool:
        """Tell whether the server, which has had time to read, has refused."""
        await served.ask()
        if served.tornado:
            return wire.has_ended()
        return bool(served.inside(wire).state is State.LINGERING)

    async def test_while_one_floods_the_others_are_served(self, serve: Serve) -> None:
        served = await serve(LIMITS, brief())
        floods = [await served.connect() for _ in range(20)]
        for number, wire in enumerate(floods):
            start, piece, _ = list(ENDLESS.values())[number % len(ENDLESS)]
            await wire.send_whatever_goes([start, piece * (FLOOD // len(piece))])
            assert (await served.ask("/plain")).status == 200
        for wire in floods:
            await wire.rest()
        await served.empty()
