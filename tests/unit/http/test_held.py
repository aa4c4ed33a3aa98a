"""What connections hold in memory, and how many an address may have."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.serving import until
from tests.support.steady import STEADY
from tests.support.wire import request
from tests.unit.http.conftest import OURS, Serve
from thywill.http.held import WORTH_RELEASING, AddressLimit, HeldBytes, release_free_memory
from thywill.http.reader import Limits
from thywill.http.shared import Timeouts
from thywill.http.states import ConnectionState as State
from thywill.http.states import Input


class Held:
    """A connection that is only closed."""

    def __init__(self) -> None:
        self.is_shed = False

    def shed(self) -> None:
        self.is_shed = True


class TestBudget:
    """Who is closed when too much is held."""

    def test_the_largest_is_closed(self) -> None:
        counted: Counter[str] = Counter()
        held, connections = HeldBytes(100, 100, counted), [Held() for _ in range(4)]
        for connection, size in zip(connections, (30, 50, 20, 10), strict=True):
            held.set(connection, "", size)
        assert [each.is_shed for each in connections] == [False, True, False, False]
        assert (held.total, counted) == (60, {"held_bytes": 1})

    def test_memory_is_given_back_when_little_is_held_again(self) -> None:
        given: list[int] = []
        held = HeldBytes(
            10 * WORTH_RELEASING, 10 * WORTH_RELEASING, Counter(), lambda: given.append(held.total)
        )
        connection = Held()
        for size in (WORTH_RELEASING, 2 * WORTH_RELEASING, WORTH_RELEASING, 100):
            held.set(connection, "", size)
            held.release_unused()
        held.release_unused()
        assert given == [100]
        release_free_memory()

    def test_of_one_address_its_largest(self) -> None:
        counted: Counter[str] = Counter()
        held, connections = HeldBytes(1000, 100, counted), [Held() for _ in range(4)]
        for connection, size, share in zip(connections, (90, 60, 99, 50), "abba", strict=True):
            held.set(connection, share, size)
        assert [each.is_shed for each in connections] == [True, False, True, False]
        assert counted == {"held_bytes_per_address": 2}

    def test_who_holds_too_much_alone(self) -> None:
        held, connection = HeldBytes(100, 50, Counter()), Held()
        held.set(connection, "a", 51)
        assert (connection.is_shed, held.total) == (True, 0)

    @given(st.lists(st.tuples(st.integers(0, 5), st.sampled_from(["", "a", "b"]), st.integers(0, 40))))
    @STEADY
    def test_it_is_never_more(self, changes: list[tuple[int, str, int]]) -> None:
        held, connections = HeldBytes(100, 60, Counter()), [Held() for _ in range(6)]
        for index, share, size in changes:
            held.set(connections[index], share, size)
            assert held.total <= 100
        for connection in connections:
            held.forget(connection)
        assert (held.total, held._of_share) == (0, {})


def test_an_address_is_limited() -> None:
    counted: Counter[str] = Counter()
    limit = AddressLimit(2, counted)
    assert [limit.acquire("a") for _ in range(3)] == [True, True, False]
    assert limit.acquire("b")
    limit.release("a")
    assert limit.acquire("a")
    assert counted == {"connections_per_address": 1}
    for share in ("a", "a", "b"):
        limit.release(share)
    assert limit._counts == {}


@OURS  # Tornado's server keeps no account
@pytest.mark.gen_test
class TestOnTheWire:
    """The same by real connections."""

    async def test_slow_bodies_do_not_add_up(self, serve: Serve) -> None:
        served = await serve(Limits(held=400_000, held_per_address=300_000), Timeouts(linger=60))
        wires = [await served.connect() for _ in range(8)]
        head = request("/now", "Content-Length: 100000", method="POST")
        readers = []
        for wire in wires:
            await wire.send(head + b"x" * 90_000)
            await until(lambda wire=wire: served.inside(wire).state in (State.BODY, State.LINGERING))
            readers.append(served.inside(wire)._reader)
        limited = served.server.shared.site.limited
        await until(lambda: limited["held_bytes_per_address"] >= 5)
        assert served.server.shared.held.total <= 300_000
        # Readers are in cycles with their parsers, so their bytes must not wait for the collector.
        assert sum(reader.held for reader in readers if reader is not None) <= 300_000
        assert (await served.ask("/now")).status == 200
        states = [served.inside(wire).state for wire in wires]
        assert states.count(State.LINGERING) == limited["held_bytes_per_address"]

    async def test_behind_a_parked_poll_little_is_read(self, serve: Serve) -> None:
        served = await serve()
        wire = await served.connect()
        await wire.send(request("/park"))
        await served.parked(1)
        head = request("/now", "Content-Length: 1000000", method="POST")
        sending = asyncio.ensure_future(wire.send((head + b"x" * 1_000_000) * 4))
        await until(lambda: served.inside(wire)._input is Input.PAUSED)
        assert served.inside(wire)._unanswered() < 600_000
        sending.cancel()
        served.place.parked[0].reply.send(200, b"parked")
        assert (await wire.answer()).body == b"parked"

    async def test_everything_is_given_back(self, serve: Serve) -> None:
        served = await serve()
        wires = [await served.connect() for _ in range(5)]
        for wire in wires[:3]:
            await wire.send(request("/now", "Content-Length: 5000", method="POST") + b"x" * 4000)
        await until(lambda: served.server.shared.held.total >= 12_000)
        await wires[0].send(b"x" * 1000)
        assert (await wires[0].answer()).status == 200
        wires[1].close()
        wires[2].reset()
        await until(lambda: served.server.shared.held.total == 0)

    async def test_an_address_has_so_many_connections(self, serve: Serve) -> None:
        served = await serve(Limits(connections=3))
        wires = [await served.connect() for _ in range(3)]
        assert [(await wire.ask()).status for wire in wires] == [200] * 3
        late = await served.connect()
        answer = await late.answer()
        assert (answer.status, answer.code, answer.header("retry-after")) == (429, "too_many", "5")
        wires[0].close()
        await until(lambda: served.connections() == 2)
        assert (await served.ask()).status == 200

    async def test_behind_a_proxy_an_address_has_so_many_requests(self, serve: Serve) -> None:
        served = await serve(Limits(connections=2), proxies=("127.0.0.1",))
        wires = [await served.connect() for _ in range(6)]
        for wire in wires[:2]:
            await wire.send(request("/park", "X-Forwarded-For: 192.0.2.1"))
        await served.parked(2)
        answer = await wires[2].ask("/now", "X-Forwarded-For: 192.0.2.1")
        assert (answer.status, answer.code) == (429, "too_many")
        assert (await wires[2].ask("/now", "X-Forwarded-For: 192.0.2.2")).status == 200
        assert (await wires[3].ask("/now")).status == 200
        served.place.parked[0].reply.send(200, b"")
        await wires[0].answer()
        assert (await wires[2].ask("/now", "X-Forwarded-For: 192.0.2.1")).status == 200
