"""The connection between a server and the parent that has started it (``run.py --processes N``).

It is a pair of Unix sockets. The parent says which of its servers this is, in one line (``2 4``: the second
of four); the server says ``ready`` when it accepts connections. If either of them ends, the other one reads
the end of the connection: a server whose parent was killed stops, as it does after SIGTERM.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress

LONGEST = 100
"""How many bytes a line has at most."""
READY = b"ready\n"


def greet(sock: socket.socket, slot: int, count: int) -> None:
    """Tell a server which of the parent's servers it is; called by the parent before the server starts."""
    sock.sendall(f"{slot} {count}\n".encode())


class ParentLink:
    """A server's end of the connection.

    Args:
        sock: the socket that the server has inherited.

    ``place`` says which server this is: ``2 of 4``.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        sock.setblocking(True)
        slot, _, count = sock.recv(LONGEST).decode().strip().partition(" ")
        self.place = f"{slot} of {count}"
        sock.setblocking(False)

    def watch(self, gone: Callable[[], None]) -> None:
        """Call ``gone`` when the parent has ended; called on the event loop."""
        loop = asyncio.get_running_loop()

        def look() -> None:
            try:
                over = not self._sock.recv(LONGEST)
            except BlockingIOError:
                return
            except OSError:
                over = True
            if over:
                loop.remove_reader(self._sock)
                gone()

        loop.add_reader(self._sock, look)

    def ready(self) -> None:
        """Tell the parent that this server accepts connections."""
        with suppress(OSError):  # it has ended: ``gone`` is called
            self._sock.sendall(READY)
