"""The sockets that the server listens on: it binds them itself, or inherits them.

Inherited sockets follow systemd's convention (``sd_listen_fds(3)``): they are the descriptors from 3 on, and
environment variables tell how many there are. systemd passes sockets at socket activation. At a restart in
place this program passes them to its successor: the kernel holds new connections meanwhile, so none is
refused. The parent of several servers passes each server its sockets, and one more for the connection between
the two (``child.py``).
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
"""Errors that are ignored for one of several addresses: a name may have an IPv6 and an IPv4 address, but the
machine only one of the two."""
OURS = "thywill-restart"
"""The name in ``LISTEN_FDNAMES`` of sockets that this program bound itself before a restart. New settings may
choose another address or port for these, but not for systemd's sockets."""
PARENT = "thywill-parent"
"""The name in ``LISTEN_FDNAMES`` of the socket that leads to the parent of this server."""


@dataclass(frozen=True, slots=True)
class Inherited:
    """The sockets that were passed to this program.

    Args:
        sockets: the listening sockets.
        ours: whether this program bound them before a restart, or its parent did.
        parent: the socket that leads to the parent of this server, or None.
    """

    sockets: list[socket.socket]
    ours: bool
    parent: socket.socket | None = None


def bind(address: str, port: int, *, shared: bool = False) -> list[socket.socket]:
    """Return sockets that are bound to ``address`` and do not listen yet.

    The port then belongs to this process, but browsers are refused, and try another server, until the sockets
    listen.

    Args:
        address: an IP address or a host name of this machine; ``::`` stands for all addresses, also of IPv4.
        port: the port; 0 for a free one.
        shared: whether other sockets of the same user may be bound to the same port (``SO_REUSEPORT``). The
            kernel spreads new connections over those that listen.

    Raises:
        SettingsError: the address does not belong to this machine, or the port is in use.
    """
    try:
        return _bound(address, port, shared=shared)
    except OSError as error:
        raise _refused(describe(address, port), error) from None


def start_listening(sockets: list[socket.socket], backlog: int) -> None:
    """Let ``sockets`` listen; up to ``backlog`` connections may wait. Sockets that listen already stay so.

    Raises:
        SettingsError: another process listens at the same port.
    """
    for sock in sockets:
        try:
            sock.listen(backlog)
        except OSError as error:
            raise _refused(describe(*sock.getsockname()[:2]), error) from None


def listen(address: str, port: int, backlog: int = 128) -> list[socket.socket]:
    """Return sockets that listen on ``address``; for ``::`` one for IPv6 and one for IPv4 at the same port.

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
    """Return ``address`` without the brackets of an IPv6 address in a URL."""
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

    The variables that describe them are removed from ``environment``, so that no child process uses them.

    Raises:
        SettingsError: a passed descriptor is no listening TCP socket.
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
        # A socket from a parent does not listen yet: the server lets it listen when it is ready.
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
    """Make ``sockets`` the descriptors 3, 4, … for the program that will replace this one.

    Files that had these descriptors are closed, so only ``exec`` may follow in this process.

    Args:
        sockets: the sockets.
        ours: whether this program bound them itself.
        environment: gets the variables that describe the sockets.
        parent: the socket that leads to the parent of the new program; it follows the others.
    """
    import fcntl  # not on Windows

    named = [(sock, OURS if ours else "socket") for sock in sockets]
    named += [(parent, PARENT)] if parent is not None else []
    # The sockets are first copied above all targets, since one may have the descriptor that another has to
    # get.
    above = FIRST + len(named)
    copies = [fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, above) for sock, _ in named]
    for number, copy in enumerate(copies, FIRST):
        os.dup2(copy, number)
    environment["LISTEN_PID"] = str(os.getpid())
    environment["LISTEN_FDS"] = str(len(named))
    environment["LISTEN_FDNAMES"] = ":".join(name for _, name in named)
