"""The listening sockets of a parent."""

from __future__ import annotations

import socket

import pytest

from thywill.errors import SettingsError
from thywill.process.listeners import Listeners
from thywill.process.sockets import Inherited, start_listening


def port_of(listeners: Listeners) -> int:
    return int(listeners.place.rpartition(":")[2])


def accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
    except ConnectionRefusedError:
        return False
    return True


def test_each_slot_has_its_own_sockets_at_one_port() -> None:
    listeners = Listeners("127.0.0.1", 0, None)
    first, second = listeners.of(1), listeners.of(2)
    assert {sock.getsockname() for sock in [*first, *second]} == {("127.0.0.1", port_of(listeners))}
    assert listeners.of(2) is second
    assert not accepts(port_of(listeners))
    start_listening(second, 64)
    assert accepts(port_of(listeners))
    listeners.close()


def test_a_slot_that_is_forgotten_takes_no_connection() -> None:
    listeners = Listeners("127.0.0.1", 0, None)
    start_listening(listeners.of(1), 64)
    start_listening(listeners.of(2), 64)
    listeners.forget(1)
    assert all(accepts(port_of(listeners)) for _ in range(20))
    listeners.forget(2)
    assert not accepts(port_of(listeners))
    assert listeners.of(1)[0].getsockname()[1] == port_of(listeners)
    listeners.close()


def test_a_port_of_another_parent_is_refused() -> None:
    other = Listeners("127.0.0.1", 0, None)
    start_listening(other.of(1), 64)
    with pytest.raises(SettingsError, match="is in use"):
        Listeners("127.0.0.1", port_of(other), None)
    other.close()


def test_another_port_after_a_restart() -> None:
    listeners = Listeners("127.0.0.1", 0, None)
    busy = Listeners("127.0.0.1", 0, None)
    start_listening(busy.of(1), 64)
    before = listeners.of(1)
    with pytest.raises(SettingsError, match="is in use"):
        listeners.move("127.0.0.1", port_of(busy))
    assert listeners.of(1) is before
    busy.close()
    listeners.move("127.0.0.1", port_of(busy))
    assert port_of(listeners) == port_of(busy) == listeners.of(2)[0].getsockname()[1]
    listeners.close()


@pytest.mark.parametrize("ours", [True, False])
def test_inherited_sockets_are_shared_and_those_of_systemd_stay(ours: bool) -> None:
    sock = socket.create_server(("127.0.0.1", 0))
    listeners = Listeners("127.0.0.1", 8080, Inherited([sock], ours))
    assert listeners.of(1) == listeners.of(2) == [sock]
    listeners.forget(1)
    assert accepts(port_of(listeners))
    listeners.move("127.0.0.1", 0)
    assert (listeners.of(1) == [sock]) is (not ours)
    listeners.close()
    sock.close()
