"""How fast one client may send and poll, by the world's own clock."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.hub_fakes import TIMING, FakePoll, World, attach
from thywill.core.envelope import Item
from thywill.errors import TooMany
from thywill.hub.rates import APPLICATION_LIMITS, ClientLimits

LIMITS = ClientLimits(sends=10, sends_burst=5, send_bytes=100, send_bytes_burst=1000, polls=2, polls_burst=4)


def world_of(limits: ClientLimits = LIMITS) -> World:
    return World(replace(TIMING, pending=100), limits=limits)


def send(world: World, first: int, count: int = 1, size: int = 10) -> None:
    client = next(iter(world.directory.clients.values()))
    client.handled = client.inbox.received
    items = [Item(first + index, "text") for index in range(count)]
    world.hub.receive(client, items, lambda received, error: None, size)


def test_a_client_that_sends_too_fast_gets_retry() -> None:
    world = world_of()
    client = world.connect()
    send(world, 1, 5)
    with pytest.raises(TooMany) as raised:
        send(world, 6)
    assert raised.value.retry == pytest.approx(0.1)
    assert client.inbox.received == 5
    world.now += 0.1
    send(world, 6)
    assert client.inbox.received == 6
    assert world.meter.limited == {"sends": 1}


def test_repeats_and_empty_sends_count_too() -> None:
    world = world_of()
    world.connect()
    send(world, 1)
    for _ in range(4):
        send(world, 1)
    with pytest.raises(TooMany):
        send(world, 1, count=0)


def test_bytes_have_a_limit_of_their_own() -> None:
    world = world_of()
    world.connect()
    send(world, 1, size=900)
    with pytest.raises(TooMany) as raised:
        send(world, 2, size=300)
    assert raised.value.retry == pytest.approx(2)
    world.now += 2
    send(world, 2, size=300)
    assert world.meter.limited == {"send_bytes": 1}


def test_one_client_does_not_slow_another() -> None:
    world = world_of()
    busy, other = world.connect(), world.connect()
    world.hub.receive(busy, [Item(n, 0) for n in range(1, 4)], lambda received, error: None)
    world.receive(other, 1, 2, 3)


def test_two_pages_with_one_token_end_each_others_polls_only_so_often() -> None:
    world = world_of()
    client = world.connect()
    world.poll(client)
    for _ in range(3):
        world.poll(client)
    parked = client.receiver
    with pytest.raises(TooMany) as raised:
        world.poll(client)
    assert raised.value.retry == pytest.approx(0.5)
    assert client.receiver is parked
    assert world.meter.limited == {"polls": 1}


def test_a_stream_that_takes_the_place_of_another_counts_as_a_poll() -> None:
    world = world_of()
    client = world.connect()
    for _ in range(4):
        attach(world, client)
    with pytest.raises(TooMany):
        attach(world, client)


def test_polls_that_are_not_held_count_when_they_bring_nothing() -> None:
    world = world_of()
    client = world.connect()
    for number in range(20):
        world.send_to(client, "hello")
        assert world.poll(client, number, hold=0).ids == [number + 1]
    for _ in range(4):  # the first of them acknowledges something
        world.poll(client, 20, hold=0)
    with pytest.raises(TooMany):
        world.poll(client, 20, hold=0)


def test_polls_with_an_old_cursor_count() -> None:
    world = world_of()
    client = world.connect()
    world.send_to(client, "hello")
    world.poll(client, 0)
    world.poll(client, 1)
    stale = [world.poll(client, 0) for _ in range(3)]
    assert all(poll.calls == ["supersede"] for poll in stale)
    with pytest.raises(TooMany):
        world.poll(client, 0)


def test_polls_that_are_held_are_not_limited() -> None:
    world = world_of()
    client = world.connect()
    for number in range(50):
        poll: FakePoll = world.poll(client, number)
        world.send_to(client, "hello")
        world.settle()
        assert poll.ids == [number + 1]


def test_a_limit_of_the_applications_own() -> None:
    world = world_of()
    client, other = world.connect(), world.connect()
    take = world.actions.take
    assert [take(client, "chat", 2, 10) for _ in range(3)] == [0, 0, pytest.approx(5)]
    assert take(client, "rooms", 2, 10) == 0
    assert take(other, "chat", 2, 10) == 0
    world.now += 5
    assert take(client, "chat", 2, 10) == 0
    assert world.meter.limited == {"application": 1}


def test_names_that_a_page_makes_up_are_not_remembered_for_ever() -> None:
    world = world_of()
    client = world.connect()
    for number in range(10 * APPLICATION_LIMITS):
        world.actions.take(client, f"name {number}", 1, 10)
    assert client.rates is not None
    assert len(client.rates._of_application) == APPLICATION_LIMITS
