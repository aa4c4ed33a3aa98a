"""Which clients belong to which browser."""

from __future__ import annotations

import pytest

from tests.support.hub_fakes import World
from thywill.hub.audience import Sessions
from thywill.hub.client import LiveClient


def test_a_session_has_its_live_clients() -> None:
    world, sessions = World(), Sessions()
    first, second, other = (world.create(session=name) for name in ("ann", "ann", "bob"))
    for client in (first, second, other):
        sessions.add(client)
    assert list(sessions.of("ann")) == [first, second]
    assert list(sessions.of("bob")) == [other]
    sessions.remove(first)
    assert list(sessions.of("ann")) == [second]
    assert list(sessions.of("bob")) == [other]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_browser_without_clients_is_forgotten(count: int) -> None:
    sessions = Sessions()
    clients: list[LiveClient] = [World().create(session="ann") for _ in range(count)]
    for client in clients:
        sessions.add(client)
    for client in clients:
        sessions.remove(client)
    assert list(sessions.of("ann")) == []
    assert sessions._clients == {}


def test_an_unknown_session_has_no_clients() -> None:
    assert list(Sessions().of("nobody")) == []
