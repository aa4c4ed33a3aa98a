"""What the hub counts while it works."""

from __future__ import annotations

import pytest

from tests.support.hub_fakes import World
from thywill.core.histogram import Histogram
from thywill.core.message import Address
from thywill.core.outbox import Bounds
from thywill.core.overflow import Overflow
from thywill.hub.meter import MOVES, Meter
from thywill.hub.tally import Marks


@pytest.fixture
def world() -> World:
    return World()


def time_deliveries(world: World) -> None:
    """Let polls of the world tell the meter what they wrote, as the push components do."""
    release = world.hub.release

    def released(client: object) -> None:
        release(client)  # type: ignore[arg-type]
        world.soon.append(lambda: world.hub.written(client))  # type: ignore[arg-type]

    world.hub.release = released  # type: ignore[method-assign]


def test_values_are_counted_by_size() -> None:
    histogram = Histogram((1.0, 2.0))
    for value in (0.5, 1.0, 1.5, 9.0):
        histogram.observe(value)
    assert histogram.counts == [2, 1, 1]
    assert (histogram.count, histogram.sum) == (4, 12.0)
    assert (histogram.take_highest(), histogram.take_highest()) == (9.0, 0.0)


def test_ids_are_dated_within_a_step() -> None:
    marks = Marks(step=1.0, limit=3)
    assert marks.since(1) is None
    for number, now in ((1, 10.0), (5, 11.0), (9, 20.0)):
        assert now >= marks.due
        marks.add(number, now)
    assert marks.due == 21.0
    assert [marks.since(number) for number in (1, 2, 4, 5, 8, 9, 99)] == [10, 10, 10, 11, 11, 20, 20]
    marks.add(12, 30.0)
    assert marks.since(1) == 11  # no older mark is left


def test_a_message_counts_once_as_a_send_and_once_for_each_receiver(world: World) -> None:
    clients = [world.connect() for _ in range(3)]
    for client in clients:
        world.actions.subscribe(client, "all")
    world.send(Address.channel("all"), 1)
    world.send_to(clients[0], 2)
    world.send(Address.channel("nobody"), 3)
    tally = world.meter.applications["chat"]
    assert (tally.sends, tally.queued) == (3, 4)


def test_messages_of_browsers_are_counted_once(world: World) -> None:
    client = world.connect()
    world.receive(client, 1, 2)
    world.receive(client, 2, 3)
    assert world.meter.applications["chat"].received == 3


def test_a_broadcast_is_timed_for_one_of_its_receivers(world: World) -> None:
    time_deliveries(world)
    clients = [world.connect() for _ in range(5)]
    for client in clients:
        world.actions.subscribe(client, "all")
        world.poll(client)
    world.settle()
    world.send(Address.channel("all"), "x")
    world.now += 0.2
    world.settle()
    delay = world.meter.delay
    assert (delay.count, delay.sum) == (1, pytest.approx(0.2))
    assert all(client.timed is None for client in clients)


def test_every_receiver_has_its_turn_at_being_timed(world: World) -> None:
    clients = [world.connect() for _ in range(3)]
    for client in clients:
        world.actions.subscribe(client, "all")
    for _ in range(3):
        world.send(Address.channel("all"), "x")
    assert all(client.timed is not None for client in clients)


def test_a_delay_lasts_until_the_answer_with_that_message(world: World) -> None:
    time_deliveries(world)
    client = world.connect()
    world.send_to(client, "x")
    world.now += 3
    world.meter.written(client)  # an answer without it
    assert world.meter.delay.count == 0
    world.poll(client)
    world.settle()
    assert world.meter.delay.sum == pytest.approx(3)


@pytest.mark.parametrize("policy", [Overflow.DROP_OLDEST, Overflow.DROP_NEWEST])
def test_drops_count_by_policy(policy: Overflow) -> None:
    world = World(bounds=Bounds(messages=2, overflow=policy))
    client = world.connect()
    world.send_to(client, 1, 2, 3, 4)
    assert dict(world.meter.dropped) == {policy.value: 2}


def test_clients_that_are_disconnected_because_of_a_full_queue_count() -> None:
    world = World(bounds=Bounds(messages=2, overflow=Overflow.DISCONNECT))
    client = world.connect()
    world.send_to(client, 1, 2, 3)
    assert dict(world.meter.disconnected) == {"queue": 1}


def test_messages_dropped_for_the_log_are_counted(world: World) -> None:
    client = world.connect()
    world.send_to(client, 1, 2, 3)
    world.queue.receivers.drop_up_to("chat", 2)
    assert world.meter.given_up == 2


def test_changes_of_address_and_transport_are_remembered_for_a_while(world: World) -> None:
    client, meter = world.connect(), world.meter
    world.hub.locate(client, "192.0.2.1", "longpoll")
    world.hub.locate(client, "192.0.2.1", "longpoll")
    world.now += 10
    world.hub.locate(client, "192.0.2.2", "longpoll")
    world.now += 3
    assert meter.moves_of(client.id) == [(3.0, "192.0.2.1", "longpoll")]
    other = world.connect()
    for number in range(MOVES + 1):
        world.hub.locate(other, str(number), "longpoll")
    assert meter.moves_of(client.id) == []
    assert len(meter.moves) == MOVES


def test_the_oldest_message_has_an_age(world: World) -> None:
    client, meter = world.connect(), world.meter
    world.send_to(client, 1)
    world.now += 7
    assert meter.age("chat", client.outbox.entries[0].id) == pytest.approx(7)
    assert meter.age("other", 1) is None


def test_the_worst_lag_is_that_of_the_last_minute() -> None:
    now = [0.0]
    meter = Meter(monotonic=lambda: now[0])
    assert meter.worst_lag() == 0
    for at, lag in ((0.0, 0.5), (30.0, 0.1), (61.0, -0.001)):
        now[0] = at
        meter.late(lag)
    assert meter.worst_lag() == 0.1
    assert (meter.lag.count, meter.lag.sum) == (3, pytest.approx(0.6))


def test_totals_are_those_of_all_applications(world: World) -> None:
    world.connect()
    world.connect("draw")
    world.meter.applications["chat"].queued += 3
    world.meter.applications["draw"].queued += 4
    world.meter.applications["draw"].received += 2
    world.meter.delay.observe(0.25)
    world.meter.late(0.5)
    totals = world.actions.totals()
    assert totals == (2, 1, 7, 2, 0.25, 1, 0.5, 1)
    assert (totals.sessions, totals.delays) == (1, 1)
