"""The connection between a server and the parent that has started it (``run.py --processes N``).

It is a pair of Unix sockets. The parent sends one line that says which of its servers this is (``2 4``: the
second of four); the server sends ``ready`` when it accepts connections. If one of them ends, the other one
reads the end of the connection: a server whose parent was killed stops as after SIGTERM.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

LONGEST = 100
"""The most bytes of a line."""
READY = b"ready\n"


def send_number(sock: socket.socket, slot: int, count: int) -> None:
    """Send a server its number among the parent's servers; the parent calls this before the server starts."""
    sock.sendall(f"{slot} {count}\n".encode())


class ParentLink:
    """A server's end of the connection.

    Args:
        sock: the socket that the server has inherited.

    ``place`` is the server's number among all, such as ``2 of 4``.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        sock.setblocking(True)
        slot, _, count = sock.recv(LONGEST).decode().strip().partition(" ")
        self.place = f"{slot} of {count}"
        sock.setblocking(False)

    def watch(self, gone: Callable[[], None]) -> None:
        """Call ``gone`` when the parent has ended; needs the running event loop."""
        loop = asyncio.get_running_loop()

        def check() -> None:
            try:
                over = not self._sock.recv(LONGEST)
            except BlockingIOError:
                return
            except OSError:
                over = True
            if over:
                loop.remove_reader(self._sock)
                gone()

        loop.add_reader(self._sock, check)

    def ready(self) -> None:
        """Tell the parent that this server accepts connections."""
        with suppress(OSError):  # the parent has ended, so ``gone`` is called
            self._sock.sendall(READY)
