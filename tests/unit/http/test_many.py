"""Many connections at once, and what they cost."""

from __future__ import annotations

import asyncio
import errno
import gc
import random
import socket
import sys
from collections.abc import Iterable
from contextlib import ExitStack
from typing import Any

import httptools
import pytest

from tests.support.serving import until
from tests.support.wire import Wire, request
from tests.unit.http.conftest import OURS, Serve, Served
from thywill.http.connection import Connection, FastReply
from thywill.http.reader import RequestReader
from thywill.http.request import Request
from thywill.http.shared import SPARE_READERS, Timeouts
from thywill.http.states import ConnectionState as State
from thywill.http.states import Input

pytestmark = pytest.mark.gen_test

POLL = request(
    "/park", *[f"X-Header-{number}: {'v' * 60}" for number in range(10)], method="POST", body=b"b" * 200
)
MOST_BYTES = 375
"""Of the server's own objects for one parked connection, without the loop's transport."""
SHARED = (None, True, False, b"", "", State.ANSWERING, Input.OPEN)


async def park(served: Served, count: int) -> list[Wire]:
    """Return ``count`` connections, each with a parked request."""
    wires = []
    for _ in range(count // 100):
        batch = await asyncio.gather(*[served.connect() for _ in range(100)])
        await asyncio.gather(*[wire.send(POLL) for wire in batch])
        wires += batch
    await served.parked(count)
    return wires


async def test_a_thousand_parked_are_all_answered(serve: Serve) -> None:
    served = await serve()
    wires = await park(served, 1000)
    assert served.connections() == 1000
    for round_ in range(2):
        replies, served.place.parked[:] = list(served.place.parked), []
        for parked in replies:
            parked.reply.send(200, b"%d" % round_)
        answers = await asyncio.gather(*[wire.answer() for wire in wires])
        assert {answer.body for answer in answers} == {b"%d" % round_}
        await asyncio.gather(*[wire.send(POLL) for wire in wires])
        await served.parked(1000)


@OURS  # Tornado's own accepts as it likes
async def test_a_burst_is_let_in_within_few_turns_of_the_loop(serve: Serve) -> None:
    served, turns = await serve(), 0
    with ExitStack() as stack:
        for _ in range(64):  # as far as the kernel goes: the loop does not run meanwhile
            stack.enter_context(socket.create_connection(("127.0.0.1", served.port)))
        while served.connections() < 64:
            await asyncio.sleep(0)
            turns += 1
    assert turns < 20


class Scarce(socket.socket):
    """A socket of a process that may open one file more."""

    copied = False

    def dup(self) -> socket.socket:
        if self.copied:
            raise OSError(errno.EMFILE, "Too many open files")
        self.copied = True
        return super().dup()


@OURS  # Tornado's own makes no copies
async def test_one_listener_is_enough_where_files_are_scarce(serve: Serve) -> None:
    served = await serve()
    scarce = Scarce()
    scarce.bind(("127.0.0.1", 0))
    scarce.listen()
    scarce.setblocking(False)
    port = scarce.getsockname()[1]
    await served.server.start([scarce])
    wire = await Wire.connect(port)
    served.wires.append(wire)
    assert (await wire.ask("/now")).status == 200


async def test_a_thousand_come_and_go_as_they_like(serve: Serve) -> None:
    served, chance = await serve(), random.Random(1)
    ends = [Wire.close, Wire.reset, Wire.finish_sending]

    async def come_and_go() -> None:
        wire = await served.connect()
        await wire.send_whatever_goes([chance.choice([b"", b"GET /now", POLL, request("/waiting"), b"\0"])])
        chance.choice(ends)(wire)

    for _ in range(10):
        await asyncio.gather(*[come_and_go() for _ in range(100)])
        assert (await served.ask()).status == 200
    served.place.memory.gate.set()
    await served.empty()
    assert all(parked.closings == 1 for parked in served.place.parked)


@OURS  # Tornado's own has no wheel
async def test_a_closed_connection_leaves_the_wheel_at_once(serve: Serve) -> None:
    served = await serve()
    wires = await park(served, 100)
    for wire in wires:
        wire.reset()
    await served.empty()
    assert len(served.server.shared.wheel) == 0


class Census:
    """The objects that the collector knows of some classes, but for those that were there before."""

    KINDS = (Connection, FastReply, Request, RequestReader, httptools.HttpRequestParser)

    def __init__(self) -> None:
        gc.collect()
        self._before: list[object] = []
        self._before = self._all()

    def _all(self) -> list[object]:
        return [found for found in gc.get_objects() if type(found) in self.KINDS]

    def of(self, kind: type) -> list[Any]:
        """Return the objects of one class."""
        before = {id(found) for found in self._before}
        return [found for found in self._all() if type(found) is kind and id(found) not in before]

    def count(self, *kinds: type) -> list[int]:
        """Return how many objects there are of each class."""
        return [len(self.of(kind)) for kind in kinds]


def size(start: object, leave_out: Iterable[object]) -> int:
    """Return the bytes of ``start`` and all that it alone leads to."""
    seen, total, todo = {id(each) for each in leave_out}, 0, [start]
    while todo:
        found = todo.pop()
        if id(found) in seen or isinstance(found, type):
            continue
        seen.add(id(found))
        total += sys.getsizeof(found)
        todo += gc.get_referents(found)
    return total


def of_the_server(connection: Any) -> tuple[Any, ...]:
    """Return what a connection shares with others of its server."""
    return connection.shared, connection._registry, connection._places, connection._timed


def largest(connections: list[Any]) -> int:
    """Return the bytes of the largest of ``connections``, without what is shared or the loop's."""
    return max(
        size(each, (each.transport, each._exchange.owner, *of_the_server(each), *SHARED))
        for each in connections
    )


@OURS  # Tornado keeps a coroutine, a stream, the headers and more
async def test_two_thousand_parked_keep_nothing_of_their_requests(serve: Serve) -> None:
    census = Census()
    served = await serve(timeouts=Timeouts(idle=0.2))
    wires = await park(served, 2000)
    # The one request is that of the cached head, which they share.
    assert census.count(Connection, FastReply, Request) == [2000, 2000, 1]
    readers, parsers = census.count(RequestReader, httptools.HttpRequestParser)
    assert readers == parsers <= SPARE_READERS
    assert largest(census.of(Connection)) <= MOST_BYTES
    for wire in wires:
        wire.close()
    await served.empty()
    served.place.parked.clear()
    # The wheel lets go of a connection when the slot of its last deadline comes up.
    await until(lambda: census.count(Connection, FastReply) == [0, 0])


@OURS  # Tornado's connections always have all that they ever need
async def test_an_idle_connection_has_no_reader(serve: Serve) -> None:
    census = Census()
    served = await serve()
    wire = await served.connect()
    for _ in range(3):
        await wire.ask("/now", "Expect: 100-continue", body=b"body")
        inside = served.inside(wire)
        assert (inside._reader, inside._pending, inside._exchange, inside._writable) == (None,) * 4
    assert census.count(Request, RequestReader) == [0, 1]
