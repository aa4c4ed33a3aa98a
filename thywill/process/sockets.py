"""The sockets that the server listens on: it binds them itself, or inherits them.

Inherited sockets follow systemd's convention (``sd_listen_fds(3)``): they are the descriptors from 3 on, and
environment variables say how many there are. systemd passes them with socket activation. This program passes
them to its successor in a restart in place: the kernel holds new connections meanwhile, so none is refused. A
parent of several servers passes each its own, and one more by which the two talk (``child.py``).
"""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import MutableMapping
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from thywill.errors import SettingsError

FIRST = 3
NO_SUCH_FAMILY = (errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL)
"""A name may stand for an IPv6 and an IPv4 address on a machine that has only one of them."""
OURS = "thywill-restart"
"""The name in ``LISTEN_FDNAMES`` of sockets that this program bound itself before a restart. The settings may
then choose another address or port; sockets of systemd stay whatever the settings say."""
PARENT = "thywill-parent"
"""The name there of the socket that leads to the parent of this server."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """Sockets that listened before this program began.

    Args:
        sockets: the sockets.
        ours: whether this program bound them itself, before a restart; or its parent did.
        parent: the socket that leads to the parent of this server, or None.
    """

    sockets: list[socket.socket]
    ours: bool
    parent: socket.socket | None = None


def bind(address: str, port: int, *, shared: bool = False) -> list[socket.socket]:
    """Return sockets that are bound to ``address`` and do not listen yet.

    So the port belongs to this process, but a browser is refused and tries another server, until ``listen``.

    Args:
        address: an IP address or a host name of this machine; ``::`` stands for every address, of IPv4 too.
        port: the port; 0 for a free one.
        shared: whether other sockets of the same user may be bound to the same port. The kernel spreads new
            connections over those that listen (``SO_REUSEPORT``).

    Raises:
        SettingsError: the address does not belong to this machine, or the port is in use.
    """
    try:
        return _bound(address, port, shared=shared)
    except OSError as error:
        raise _refused(describe(address, port), error) from None


def start_listening(sockets: list[socket.socket], backlog: int) -> None:
    """Let ``sockets`` accept connections, of which ``backlog`` may wait. Those that listen go on.

    Raises:
        SettingsError: another process has begun to listen at the same port.
    """
    for sock in sockets:
        try:
            sock.listen(backlog)
        except OSError as error:
            raise _refused(describe(*sock.getsockname()[:2]), error) from None


def listen(address: str, port: int, backlog: int = 128) -> list[socket.socket]:
    """Return sockets that listen on ``address``; for ``::`` one for IPv6 and one for IPv4, at one port.

    Raises:
        OSError: the address does not belong to this machine, or the port is in use.
    """
    sockets = _bound(address, port)
    try:
        for sock in sockets:
            sock.listen(backlog)
    except OSError:
        for sock in sockets:
            sock.close()
        raise
    return sockets


def _bound(address: str, port: int, *, shared: bool = False) -> list[socket.socket]:
    host = bare(address)
    flags = socket.AI_PASSIVE | socket.AI_NUMERICSERV
    found = socket.getaddrinfo(None if host in ("", "::") else host, port, 0, socket.SOCK_STREAM, 0, flags)
    places = sorted({(family, where) for family, _, _, _, where in found}, reverse=True)  # IPv6 first
    missing: OSError | None = None
    with ExitStack() as undo:
        sockets: list[socket.socket] = []
        for family, where in places:
            try:
                sockets.append(undo.enter_context(_bound_at(family, (where[0], port, *where[2:]), shared)))
            except OSError as error:
                if error.errno not in NO_SUCH_FAMILY:
                    raise
                missing = error
            else:
                port = sockets[0].getsockname()[1]
        if missing is not None and not sockets:
            raise missing
        undo.pop_all()
    return sockets


def _bound_at(family: int, place: tuple[Any, ...], shared: bool) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name != "nt":
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setblocking(False)
        sock.bind(place)
    except OSError:
        sock.close()
        raise
    return sock


def _refused(place: str, error: OSError) -> SettingsError:
    if error.errno == errno.EADDRINUSE:
        return SettingsError(f"{place} is in use: stop what listens there, or choose another with --port")
    return SettingsError(f"[server] address and port: cannot listen on {place}: {error.strerror}")


def bare(address: str) -> str:
    """Return an IP address without the brackets that it has in a URL."""
    return address[1:-1] if address[:1] == "[" and address[-1:] == "]" else address


def describe(address: str, port: int) -> str:
    """Return address and port as in a URL: ``127.0.0.1:8080``, ``[::1]:8080``."""
    host = bare(address)
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def url_of(sock: socket.socket) -> str:
    """Return the URL at which ``sock`` listens."""
    return f"http://{describe(*sock.getsockname()[:2])}/"


def inherit(environment: MutableMapping[str, str]) -> Inherited | None:
    """Return the sockets that were passed to this process, or None if there are none.

    The variables that describe them are removed from ``environment``, so that no child process takes them
    for its own.

    Raises:
        SettingsError: a descriptor that was passed is no listening TCP socket.
    """
    variables = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")
    process, count, labels = (environment.pop(name, "") for name in variables)
    if process != str(os.getpid()) or not count.isdecimal():
        return None
    names = labels.split(":")
    parent = None
    numbers = list(range(FIRST, FIRST + int(count)))
    if names[-1] == PARENT:
        parent = socket.socket(fileno=numbers.pop())
        parent.set_inheritable(False)
    sockets = [_take(number, ours=OURS in names) for number in numbers]
    return Inherited(sockets, OURS in names, parent) if sockets else None


def _take(descriptor: int, *, ours: bool) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)
        sock = socket.socket(fileno=descriptor)
        # A parent passes a socket that does not listen yet: the server does when it is ready.
        listens = ours or sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
    except OSError:
        listens = 0
    if not listens or sock.family not in (socket.AF_INET, socket.AF_INET6):
        raise SettingsError(
            f"descriptor {descriptor} is no listening TCP socket: give the socket unit a port, ListenStream="
        )
    sock.setblocking(False)
    return sock


def hand_over(
    sockets: list[socket.socket],
    *,
    ours: bool,
    environment: MutableMapping[str, str],
    parent: socket.socket | None = None,
) -> None:
    """Make ``sockets`` the descriptors 3, 4, … of the program that will replace this one.

    Whatever had these descriptors is closed, so nothing but ``exec`` may run in this process afterwards.

    Args:
        sockets: the sockets.
        ours: whether this program bound them itself.
        environment: gets the variables that describe them.
        parent: the socket that leads to the parent of that program; it follows the others.
    """
    import fcntl  # not on Windows

    named = [(sock, OURS if ours else "socket") for sock in sockets]
    named += [(parent, PARENT)] if parent is not None else []
    # The first copies lie above all targets: a socket may have the descriptor that another has to get.
    above = FIRST + len(named)
    copies = [fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, above) for sock, _ in named]
    for number, copy in enumerate(copies, FIRST):
        os.dup2(copy, number)
    environment["LISTEN_PID"] = str(os.getpid())
    environment["LISTEN_FDS"] = str(len(named))
    environment["LISTEN_FDNAMES"] = ":".join(name for _, name in named)
