"""The proxy that cuts the connections of browsers: it ends, whatever they do meanwhile."""

from __future__ import annotations

import socket
import threading

import pytest

from tests.support import proxy as proxy_module
from tests.support.proxy import Proxy


def test_a_connection_that_comes_while_the_proxy_ends_does_not_keep_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A browser keeps its connections, and on a busy machine the thread of one may be late."""
    accepted, may_go_on, connect = threading.Event(), threading.Event(), socket.create_connection

    def connect_late(address: tuple[str, int]) -> socket.socket:
        accepted.set()
        may_go_on.wait()
        return connect(address)

    with socket.create_server(("127.0.0.1", 0)) as server:
        proxy = Proxy(server.getsockname()[1])
        proxy.__enter__()
        monkeypatch.setattr(proxy_module.socket, "create_connection", connect_late)
        with connect(("127.0.0.1", proxy.server_address[1])) as browser:
            assert accepted.wait(60)
            ending = threading.Thread(target=proxy.__exit__, args=(None, None, None), daemon=True)
            cut = proxy._cut
            monkeypatch.setattr(proxy, "_cut", lambda: (cut(), may_go_on.set()))
            ending.start()
            assert browser.recv(1) == b""
            ending.join(60)
            assert not ending.is_alive()


def test_a_cut_ends_both_sides() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        Proxy(server.getsockname()[1]) as proxy,
        socket.create_connection(("127.0.0.1", proxy.server_address[1])) as browser,
    ):
        upstream, _ = server.accept()
        with upstream:
            proxy.cut()
            assert (browser.recv(1), upstream.recv(1)) == (b"", b"")
