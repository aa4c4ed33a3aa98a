"""The sockets that the server binds, and those that it inherits."""

from __future__ import annotations

import os
import socket

import pytest

from thywill.errors import SettingsError
from thywill.process.sockets import bind, describe, inherit, listen, start_listening


def reach(host: str, port: int) -> None:
    socket.create_connection((host, port), timeout=10).close()


def close(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as sock:
            sock.bind(("::1", 0))
    except OSError:
        return False
    return True


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")


@needs_ipv6
@pytest.mark.parametrize("address", ["::", "[::]"])
def test_every_address_of_ipv6_is_every_address_of_ipv4_too(address: str) -> None:
    sockets = listen(address, 0)
    try:
        ports = {sock.getsockname()[1] for sock in sockets}
        assert len(ports) == 1
        assert sockets[0].family is socket.AF_INET6
        for host in ("127.0.0.1", "::1"):
            reach(host, *ports)
    finally:
        close(sockets)


@needs_ipv6
@pytest.mark.parametrize("address", ["::1", "[::1]"])
def test_an_ipv6_address_may_stand_in_brackets(address: str) -> None:
    sockets = bind(address, 0)
    try:
        assert [sock.getsockname()[0] for sock in sockets] == ["::1"]
    finally:
        close(sockets)


@needs_ipv6
@pytest.mark.parametrize("address", ["::1", "[::1]", "::"])
def test_a_port_that_is_taken_is_named_as_in_a_url(address: str) -> None:
    sockets = listen("::1", 0)
    port = sockets[0].getsockname()[1]
    try:
        with pytest.raises(SettingsError) as raised:
            bind(address, port)
        assert str(raised.value).startswith(f"[{address.strip('[]')}]:{port} is in use")
    finally:
        close(sockets)


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("127.0.0.1", "127.0.0.1:80"),
        ("::1", "[::1]:80"),
        ("[::1]", "[::1]:80"),
        ("localhost", "localhost:80"),
    ],
)
def test_a_place_is_described_as_in_a_url(address: str, text: str) -> None:
    assert describe(address, 80) == text


@pytest.mark.parametrize("variables", [{}, {"LISTEN_PID": "1", "LISTEN_FDS": "1"}, {"LISTEN_PID": "{pid}"}])
def test_sockets_for_another_process_are_not_inherited(variables: dict[str, str]) -> None:
    environment = {name: value.format(pid=os.getpid()) for name, value in variables.items()}
    assert inherit(environment) is None
    assert environment == {}


def test_a_browser_is_refused_until_the_server_listens() -> None:
    sockets = bind("127.0.0.1", 0)
    port = sockets[0].getsockname()[1]
    try:
        with pytest.raises(ConnectionRefusedError):
            reach("127.0.0.1", port)
        start_listening(sockets, 10)
        start_listening(sockets, 10)
        reach("127.0.0.1", port)
    finally:
        close(sockets)


def test_of_two_that_wait_for_one_port_one_listens() -> None:
    first = bind("127.0.0.1", 0)
    port = first[0].getsockname()[1]
    second = bind("127.0.0.1", port)
    try:
        start_listening(first, 10)
        with pytest.raises(SettingsError, match=f"^127.0.0.1:{port} is in use"):
            start_listening(second, 10)
    finally:
        close([*first, *second])
