"""The sockets that the server listens on: bound here, or inherited.

They are handed over by systemd's convention (``sd_listen_fds``): descriptors from 3 on, told of in the
environment. systemd does so with socket activation, and this process with what it becomes at a restart:
the kernel holds new connections meanwhile, so none is refused.
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import MutableMapping
from dataclasses import dataclass

from tornado.netutil import bind_sockets

from thywill.errors import SettingsError

FIRST = 3
OURS = "thywill-restart"
"""In ``LISTEN_FDNAMES``: this program bound them itself, so the settings say what it listens on next."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """Sockets that listened before this program began; ``ours`` if it bound them itself, before a restart."""

    sockets: list[socket.socket]
    ours: bool


def bind(address: str, port: int, backlog: int) -> list[socket.socket]:
    """Return sockets that listen on ``address``; ``backlog`` connections may wait to be accepted.

    Raises:
        SettingsError: the address is not this machine's, or the port is taken.
    """
    try:
        return bind_sockets(port, address, backlog=backlog)
    except OSError as error:
        place = f"{address}:{port}"
        if error.errno == errno.EADDRINUSE:
            raise SettingsError(
                f"{place} is in use: stop what listens there, or choose another with --port"
            ) from None
        raise SettingsError(
            f"[server] address and port: cannot listen on {place}: {error.strerror}"
        ) from None


def inherit(environment: MutableMapping[str, str]) -> Inherited | None:
    """Return the sockets that were handed to this process, or None; ``environment`` tells of them no more.

    Raises:
        SettingsError: what was handed over are no listening TCP sockets.
    """
    told = {name: environment.pop(name, "") for name in ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")}
    if told["LISTEN_PID"] != str(os.getpid()) or not told["LISTEN_FDS"].isdecimal():
        return None
    sockets = [_take(number) for number in range(FIRST, FIRST + int(told["LISTEN_FDS"]))]
    ours = OURS in told["LISTEN_FDNAMES"].split(":")
    return Inherited(sockets, ours) if sockets else None


def _take(descriptor: int) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)
        sock = socket.socket(fileno=descriptor)
        listens = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError:
        listens = 0
    if not listens or sock.family not in (socket.AF_INET, socket.AF_INET6):
        raise SettingsError(
            f"descriptor {descriptor} is no listening TCP socket: give the socket unit a port, ListenStream="
        )
    sock.setblocking(False)
    return sock


def hand_over(sockets: list[socket.socket], *, ours: bool, environment: MutableMapping[str, str]) -> None:
    """Make ``sockets`` the descriptors 3, 4, … of the program that this process becomes.

    Whatever had those descriptors loses them: nothing may run in this process afterwards but ``exec``.
    """
    import fcntl  # not on Windows

    # First away from where they go: one may be where another has to be.
    above = FIRST + len(sockets)
    copies = [fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, above) for sock in sockets]
    for number, copy in enumerate(copies, FIRST):
        os.dup2(copy, number)
    environment["LISTEN_PID"] = str(os.getpid())
    environment["LISTEN_FDS"] = str(len(sockets))
    environment["LISTEN_FDNAMES"] = ":".join([OURS if ours else "socket"] * len(sockets))
