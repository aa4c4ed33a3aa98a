"""Tornado's server accepts connections without spinning where no file can be opened."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from tornado.ioloop import IOLoop

from tests.support.serving import until
from tests.unit.http.conftest import OURS
from thywill.http.tornado import server

pytestmark = [pytest.mark.gen_test, OURS]  # on either loop
TURNS = 50


class Full:
    """A socket that listens, in a process that can open no file until ``is_full`` is false."""

    def __init__(self) -> None:
        self._sock = socket.create_server(("127.0.0.1", 0))
        self._sock.setblocking(False)
        self.is_full = True
        self.tries = 0

    def fileno(self) -> int:
        return self._sock.fileno()

    def accept(self) -> tuple[socket.socket, Any]:
        self.tries += 1
        if self.is_full:
            raise OSError(errno.EMFILE, "Too many open files")
        return self._sock.accept()

    def visit(self) -> socket.socket:
        """Open a connection, which waits to be accepted."""
        return socket.create_connection(self._sock.getsockname())

    def close(self) -> None:
        self._sock.close()


@pytest.fixture
def full(io_loop: IOLoop) -> Iterator[Full]:
    full = Full()
    yield full
    full.close()


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_it_pauses_while_no_file_can_be_opened(full: Full, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ACCEPT_PAUSE", 3600)
    acceptor = server.Acceptor(full, lambda connection, address: None)  # type: ignore[arg-type]
    with full.visit():
        await until(lambda: full.tries)
        await turns(TURNS)
        assert full.tries == 1
    acceptor.stop()
    await turns(TURNS)
    assert full.tries == 1


async def test_it_goes_on_when_files_can_be_opened_again(full: Full, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "ACCEPT_PAUSE", 0.01)
    accepted: list[socket.socket] = []
    acceptor = server.Acceptor(full, lambda connection, address: accepted.append(connection))  # type: ignore[arg-type]
    with full.visit():
        await until(lambda: full.tries >= 3)
        full.is_full = False
        await until(lambda: accepted)
        acceptor.stop()
        accepted[0].close()
