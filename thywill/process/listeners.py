"""The listening sockets of a parent, whose servers share one port."""

from __future__ import annotations

import socket

from thywill.process.sockets import Inherited, bind, describe


class Listeners:
    """Gives each slot the sockets that its server listens on.

    Every slot has its own sockets at the same port (``SO_REUSEPORT``), and the kernel spreads new connections
    over them. The parent holds the sockets, too. So a connection that waits while a server is replaced is
    accepted by the next server of the slot, and none is refused. When a server has crashed, the parent closes
    the sockets of its slot: then the kernel gives all new connections to the other servers.

    Inherited sockets, such as those of systemd, are shared by all servers instead.

    Args:
        address, port: where to listen; port 0 means a free one.
        inherited: the sockets that this program has inherited, or None.

    Raises:
        SettingsError: the address does not belong to this machine, or the port is in use.

    ``place`` is the address and port, as in a URL.
    """

    def __init__(self, address: str, port: int, inherited: Inherited | None) -> None:
        self._inherited = inherited
        self._slots: dict[int, list[socket.socket]] = {}
        self._wanted = address, port
        self.ours = inherited is None or inherited.ours
        if inherited is None:
            self._bind_first(address, port)
        else:
            self.place = describe(*inherited.sockets[0].getsockname()[:2])

    def _bind_first(self, address: str, port: int) -> None:
        # Bound without SO_REUSEPORT first, which would let us share a port with another service of the same
        # user.
        for sock in bind(address, port):
            port = sock.getsockname()[1]
            sock.close()
        self._slots = {1: bind(address, port, shared=True)}
        self._port = port
        self.place = describe(*self._slots[1][0].getsockname()[:2])

    def of(self, slot: int) -> list[socket.socket]:
        """Return the sockets of ``slot``; they stay the same until ``forget``.

        Raises:
            SettingsError: the sockets cannot be bound.
        """
        if self._inherited is not None:
            return self._inherited.sockets
        if slot not in self._slots:
            self._slots[slot] = bind(self._wanted[0], self._port, shared=True)
        return self._slots[slot]

    def forget(self, slot: int) -> None:
        """Close the parent's sockets of ``slot``, which has no server any more."""
        for sock in self._slots.pop(slot, []):
            sock.close()

    def move(self, address: str, port: int) -> None:
        """Let future servers listen at another address and port; sockets of systemd stay.

        Raises:
            SettingsError: the address does not belong to this machine, or the port is in use; nothing
                changes.
        """
        if not self.ours or (address, port) == self._wanted:
            return
        before = [sock for sockets in self._slots.values() for sock in sockets]
        before += self._inherited.sockets if self._inherited else []
        self._bind_first(address, port)
        self._wanted = address, port
        self._inherited = None
        for sock in before:
            sock.close()

    def close(self) -> None:
        """Close the parent's copies of all sockets."""
        for slot in list(self._slots):
            self.forget(slot)
        for sock in self._inherited.sockets if self._inherited else []:
            sock.close()
