"""Who may become a client: what one address may take, and who makes room for whom."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.support.hub_fakes import TIMING, World
from thywill.core.lifecycle import State
from thywill.errors import TooMany
from thywill.hub import admission
from thywill.hub.client import LiveClient
from thywill.hub.rates import ClientLimits

LIMITS = ClientLimits(clients_per_address=4, unpolled_per_address=3, connects_burst=1000.0)
ONE, OTHER = "192.0.2.1", "192.0.2.2"


def world_of(limits: ClientLimits = LIMITS, clients: int = 100) -> World:
    return World(replace(TIMING, clients=clients), limits=limits)


def refused(world: World, address: str) -> TooMany:
    with pytest.raises(TooMany) as raised:
        world.hub.create("chat", "session", address)
    return raised.value


def polled(world: World, address: str) -> LiveClient:
    client = world.hub.create("chat", "session", address)
    world.poll(client)
    return client


def test_an_address_has_no_more_clients_than_it_may() -> None:
    world = world_of()
    clients = [polled(world, ONE) for _ in range(4)]
    assert str(refused(world, ONE)) == "this address has as many clients as it may have"
    polled(world, OTHER)
    world.hub.leave(clients[0])
    polled(world, ONE)
    assert world.meter.limited == {"clients_per_address": 1}


def test_clients_that_have_not_polled_have_a_lower_limit() -> None:
    world = world_of()
    clients = [world.hub.create("chat", "session", ONE) for _ in range(3)]
    assert refused(world, ONE).retry == 10
    assert world.meter.limited == {"unpolled_per_address": 1}
    world.poll(clients[1])
    world.hub.create("chat", "session", ONE)


def test_a_client_that_has_not_polled_for_its_grace_makes_room() -> None:
    world = world_of()
    clients = [world.hub.create("chat", "session", ONE) for _ in range(3)]
    world.sleep(9.5)
    refused(world, ONE)
    world.sleep(0.5)
    world.hub.create("chat", "session", ONE)
    assert [client.state is State.GONE for client in clients] == [True, False, False]
    assert world.events == []


def test_a_slow_page_keeps_its_place_while_nobody_needs_it() -> None:
    world = world_of()
    client = world.hub.create("chat", "session", ONE)
    world.sleep(55)
    world.poll(client)
    assert client.state is State.CONNECTED


def test_one_address_never_takes_more_than_half_of_a_server() -> None:
    world = world_of(ClientLimits(connects_burst=1000.0).within(40), clients=40)
    for _ in range(20):
        polled(world, ONE)
    refused(world, ONE)
    for _ in range(20):
        polled(world, OTHER)
    assert str(refused(world, "192.0.2.3")) == "the server has as many clients as it may have"
    assert world.meter.limited == {"clients_per_address": 1, "max_clients": 1}


def test_a_flood_of_one_address_never_fills_a_server() -> None:
    world = world_of(ClientLimits(connects_burst=10_000.0).within(40), clients=40)
    for _ in range(1000):
        try:
            world.hub.create("chat", "session", ONE)
        except TooMany:
            break
    assert len(world.directory.clients) == 10
    world.hub.create("chat", "session", OTHER)


def test_a_full_server_ends_a_client_that_never_polled_for_the_next() -> None:
    world = world_of(ClientLimits(unpolled_per_address=1000), clients=8)
    addresses = [f"192.0.2.{number}" for number in range(8)]
    clients = [world.hub.create("chat", "session", address) for address in addresses]
    refused(world, ONE)
    world.sleep(10)
    world.hub.create("chat", "session", "198.51.100.1")
    assert [client.state is State.GONE for client in clients] == [True] + [False] * 7
    assert len(world.directory.clients) == 8


def test_new_clients_of_an_address_come_no_faster_than_they_may() -> None:
    world = world_of(ClientLimits(connects=2, connects_burst=3))
    for _ in range(3):
        polled(world, ONE)
    assert refused(world, ONE).retry == pytest.approx(0.5)
    polled(world, OTHER)
    world.now += 0.5
    polled(world, ONE)
    assert world.meter.limited == {"connects": 1}


def test_an_address_gets_no_new_burst_by_leaving() -> None:
    world = world_of(ClientLimits(connects=1, connects_burst=2))
    for _ in range(2):
        world.hub.leave(polled(world, ONE))
    refused(world, ONE)


def test_a_network_of_ipv6_is_one_address() -> None:
    world = world_of()
    for number in range(4):
        polled(world, f"2001:db8:0:1::{number:x}")
    refused(world, "2001:db8:0:1:ffff::1")
    polled(world, "2001:db8:0:2::1")


def test_a_client_counts_to_the_address_that_it_came_from() -> None:
    world = world_of()
    clients = [polled(world, ONE) for _ in range(4)]
    world.hub.locate(clients[0], OTHER, "longpoll")
    refused(world, ONE)
    world.hub.leave(clients[0])
    polled(world, ONE)


def test_an_address_that_has_gone_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "REMEMBERED_IDLE", 10)
    world = world_of()
    for number in range(100):
        world.hub.leave(polled(world, f"192.0.2.{number}"))
    shares = world.hub._admission
    assert len(shares._shares) == len(shares._idle) == 10
    client = polled(world, ONE)
    assert shares._share_of.keys() == {client}
    world.hub.leave(client)
    assert shares._share_of == {}
    world.sleep(2000)
    world.hub.leave(polled(world, OTHER))


def test_the_smallest_server_has_a_place_for_an_address() -> None:
    limits = ClientLimits().within(1)
    assert (limits.clients_per_address, limits.unpolled_per_address) == (1, 1)
    assert ClientLimits().within(100_000) == ClientLimits()


def test_nobody_is_refused_whose_address_is_not_known() -> None:
    world = world_of()
    for _ in range(50):
        world.hub.create("chat", "session")
