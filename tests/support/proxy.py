"""A TCP proxy that cuts connections on command, as a server does that closes them."""

from __future__ import annotations

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from types import TracebackType
from typing import Self

CHUNK = 65536


class Proxy(socketserver.ThreadingTCPServer):
    """Passes every connection on to a port of this machine; used by ``with``.

    Args:
        port: where to.
    """

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.target = ("127.0.0.1", port)
        self._changed = threading.Condition()
        self._open: set[socket.socket] = set()
        self._over = False
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def cut(self, timeout: float = 60.0) -> None:
        """Close all connections, as soon as there is one. New connections are accepted.

        Raises:
            AssertionError: there was none within ``timeout`` seconds.
        """
        with self._changed:
            assert self._changed.wait_for(lambda: self._open, timeout), "nobody has connected"
            self._cut()

    @contextlib.contextmanager
    def cuttable(self, *ends: socket.socket) -> Iterator[None]:
        with self._changed:
            self._open.update(ends)
            self._changed.notify_all()
            if self._over:
                # It was accepted before the proxy ended, and its thread comes here only now.
                self._cut()
        try:
            yield
        finally:
            with self._changed:
                self._open.difference_update(ends)

    def _cut(self) -> None:
        while self._open:
            shut(self._open.pop())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()
        self._thread.join()
        with self._changed:
            self._over = True
            self._cut()
        self.server_close()


class Handler(socketserver.BaseRequestHandler):
    server: Proxy

    def handle(self) -> None:
        browser = self.request
        with (
            socket.create_connection(self.server.target) as upstream,
            self.server.cuttable(browser, upstream),
        ):
            back = threading.Thread(target=pump, args=(upstream, browser))
            back.start()
            pump(browser, upstream)
            back.join()


def pump(source: socket.socket, sink: socket.socket) -> None:
    """Copy until either side ends, then end both."""
    try:
        while data := source.recv(CHUNK):
            sink.sendall(data)
    except OSError:
        pass  # cut, or gone by itself
    finally:
        shut(source)
        shut(sink)


def shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
