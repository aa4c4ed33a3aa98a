"""The faulty network: a proxy that relays HTTP and does to each request what its plan says.

A client names itself in the header ``X-Audit``, so that its faults can be repeated from the seed.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
LABEL = re.compile(rb"\r\nx-audit: *([^\r]*)", re.IGNORECASE)
RESET = struct.pack("ii", 1, 0)
TRICKLE_SECONDS = 1.0
TRICKLE_BUFFER = 1024


@dataclass
class Plan:
    """What happens to one request and its answer.

    Args:
        request_cut: after so many bytes of the request both connections close.
        response_cut: the same for the answer.
        reset_after: seconds until both connections are reset (SO_LINGER 0).
        reset: whether a cut is a reset.
        request_late, response_late: seconds by which they are held back. A request that is late reaches the
            server even if its client has given up.
        resend: seconds after which the same bytes go out again on a connection of their own.
        twin: the same at once; the client gets the answer to the second.
        stale: the client gets the answer to its last poll once more; the server hears nothing of this one.
        trickle: one byte of the answer a second.
        source: the address that the connection to the server comes from.
        forwarded: what X-Forwarded-For says.
    """

    request_cut: int | None = None
    response_cut: int | None = None
    reset_after: float | None = None
    reset: bool = False
    request_late: float = 0
    response_late: float = 0
    resend: float | None = None
    twin: bool = False
    stale: bool = False
    trickle: bool = False
    source: str | None = None
    forwarded: str | None = None


CLEAN = Plan()


@dataclass(frozen=True)
class Asked:
    """One request: its client, its path, its size in bytes."""

    label: str
    path: bytes
    size: int


Planner = Callable[[Asked], Plan]


def clean(asked: Asked) -> Plan:
    """Plan no fault."""
    return CLEAN


class Network:
    """The proxy.

    Args:
        server_port: returns the port of the server that answers a path.
        roams: whether each request may go to another one of several servers.
    """

    def __init__(self, server_port: Callable[[bytes], int], *, roams: bool = False) -> None:
        self.port = 0
        self.roams = roams
        self._server_port = server_port
        self.planner: Planner = clean
        self.last_polls: dict[str, bytes] = {}
        self._server: asyncio.Server | None = None
        self.near: set[Near] = set()
        self.ghosts: set[Ghost] = set()

    async def start(self) -> None:
        """Begin to listen."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: Near(self), "127.0.0.1", 0, backlog=1024)
        self.port = self._server.sockets[0].getsockname()[1]

    def stop(self) -> None:
        """Close everything."""
        if self._server is not None:
            self._server.close()
        self.drop_all()
        for ghost in list(self.ghosts):
            ghost.abort()

    def drop_all(self) -> None:
        """Break every connection."""
        for each in list(self.near):
            each.abort()

    def plan(self, asked: Asked) -> Plan:
        """Return what happens to this request."""
        return self.planner(asked)

    async def connect(
        self, protocol: Callable[[], asyncio.Protocol], source: str | None, path: bytes
    ) -> bool:
        """Connect to the server; return whether it is there."""
        local = (source, 0) if source else None
        try:
            await asyncio.get_running_loop().create_connection(
                protocol, "127.0.0.1", self._server_port(path), local_addr=local
            )
        except OSError:
            return False
        return True

    def ghost(self, data: bytes, source: str | None) -> None:
        """Send a request whose answer nobody reads."""
        asyncio.ensure_future(self.connect(lambda: Ghost(self, data), source, path_of(data)))


def path_of(request: bytes) -> bytes:
    """Return the path in the first line of a request."""
    return request[: request.find(b"\r")].split(b" ")[1]


def reset(transport: Any) -> None:
    """Close with a reset."""
    if transport is None or transport.is_closing():
        return
    with contextlib.suppress(OSError):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    transport.abort()


class Ghost(asyncio.Protocol):
    """A copy of a request; its answer is read and thrown away."""

    def __init__(self, network: Network, data: bytes) -> None:
        self._network = network
        self._data = data
        self._transport: Any = None

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        self._network.ghosts.add(self)
        transport.write(self._data)
        # Longer than any hold.
        asyncio.get_running_loop().call_later(5, self.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._network.ghosts.discard(self)

    def abort(self) -> None:
        """Close."""
        if self._transport is not None:
            self._transport.abort()


class Far(asyncio.Protocol):
    """The connection to the server that belongs to one of a client's."""

    def __init__(self, near: Near) -> None:
        self.near = near
        self.transport: Any = None  # not an isinstance check: uvloop's transports are not asyncio's

    def connection_made(self, transport: Any) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if self.near.far is self:
            self.near.respond(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.near.far is self:
            self.near.server_closed()


class Near(asyncio.Protocol):
    """A client's connection."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._loop = asyncio.get_running_loop()
        self.transport: Any = None  # not an isinstance check: uvloop's transports are not asyncio's
        self.far: Far | None = None
        self._received = b""
        self._answered = 0
        self._plan = CLEAN
        self._poll = ""
        self._waiting: list[bytes] | None = None
        self._slow = bytearray()
        self._ending = False
        self._timers: list[asyncio.TimerHandle] = []
        self._task: asyncio.Task[None] | None = None

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._network.near.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._network.near.discard(self)
        for timer in self._timers:
            timer.cancel()
        far, self.far = self.far, None
        if far is not None and far.transport is not None:
            far.transport.abort() if self._plan.reset else far.transport.close()

    # From the client.

    def data_received(self, data: bytes) -> None:
        self._received += data
        while self.transport is not None and not self.transport.is_closing():
            head = self._received.find(b"\r\n\r\n")
            if head < 0:
                return
            length = LENGTH.search(self._received, 0, head + 2)
            size = head + 4 + (int(length[1]) if length else 0)
            if len(self._received) < size:
                return
            request, self._received = self._received[:size], self._received[size:]
            self._take(request, head)

    def _take(self, request: bytes, head: int) -> None:
        label = LABEL.search(request, 0, head + 2)
        path = path_of(request)
        asked = Asked(label[1].decode() if label else "", path, len(request))
        plan = self._network.plan(asked)
        self._plan, self._answered = plan, 0
        self._poll = asked.label if path == b"/thywill/poll" else ""
        if path == b"/thywill/connect":
            self._network.last_polls.pop(asked.label, None)
        if plan.stale and asked.label in self._network.last_polls:
            self._write(self._network.last_polls[asked.label])
            return
        if plan.forwarded:
            line = f"X-Forwarded-For: {plan.forwarded}\r\n".encode()
            at = request.find(b"\r\n") + 2
            request = request[:at] + line + request[at:]
        if plan.response_late:
            self._waiting = []
        if plan.resend is not None:
            self._loop.call_later(plan.resend, self._network.ghost, request, plan.source)
        if plan.reset_after is not None:
            self._later(plan.reset_after, self.abort)
        if plan.request_late:
            self._loop.call_later(plan.request_late, self._send_late, request)
        else:
            self._send(request)

    def _send_late(self, request: bytes) -> None:
        if self.transport is None or self.transport.is_closing():
            self._network.ghost(request, self._plan.source)
        else:
            self._send(request)

    def _send(self, request: bytes) -> None:
        self._task = asyncio.ensure_future(self._forward(request, self._plan))

    async def _forward(self, request: bytes, plan: Plan) -> None:
        if plan.twin:
            self._network.ghost(request, plan.source)
            await asyncio.sleep(0.01)
        cut = plan.request_cut
        if not await self._have_far(plan, path_of(request)):
            self.close()
            return
        assert self.far is not None
        assert self.far.transport is not None
        self.far.transport.write(request if cut is None else request[:cut])
        if cut is not None:
            await asyncio.sleep(0.02)
            self.close()

    async def _have_far(self, plan: Plan, path: bytes) -> bool:
        old = self.far
        if old is not None and plan.source is None and not self._network.roams:
            return old.transport is not None and not old.transport.is_closing()
        self.far = None
        if old is not None and old.transport is not None:
            old.transport.close()
        far = Far(self)
        there = await self._network.connect(lambda: far, plan.source, path)
        if self.transport is None or self.transport.is_closing():
            if far.transport is not None:
                far.transport.close()
            return False
        self.far = far if there else None
        return there

    # From the server.

    def respond(self, data: bytes) -> None:
        """Pass on a part of the answer."""
        plan = self._plan
        if self._poll and LENGTH.search(data):
            self._network.last_polls[self._poll] = data
        if self._waiting is not None:
            if not self._waiting:
                self._later(plan.response_late, self._release)
            self._waiting.append(data)
        elif plan.trickle:
            self._trickle(data)
        else:
            self._write(data)

    def _release(self) -> None:
        waiting, self._waiting = self._waiting or [], None
        self._write(b"".join(waiting))
        if self._ending:
            self.close()

    def _write(self, data: bytes) -> None:
        cut = self._plan.response_cut
        if self.transport is None or self.transport.is_closing():
            return
        if cut is not None and self._answered + len(data) > cut:
            self.transport.write(data[: cut - self._answered])
            self._answered = cut
            self.close()
            return
        self._answered += len(data)
        self.transport.write(data)

    def _trickle(self, data: bytes) -> None:
        if not self._slow:
            self._later(0, self._drip)
        self._slow += data
        if len(self._slow) > TRICKLE_BUFFER and self.far is not None and self.far.transport is not None:
            self.far.transport.pause_reading()

    def _drip(self) -> None:
        self._write(bytes(self._slow[:1]))
        del self._slow[:1]
        if self._slow:
            self._later(TRICKLE_SECONDS, self._drip)
        elif self._ending:
            self.close()

    def server_closed(self) -> None:
        """The server has closed: close too, after the delayed data."""
        self._ending = True
        if not self._waiting and not self._slow:
            self.close()

    def _later(self, seconds: float, action: Callable[[], None]) -> None:
        self._timers.append(self._loop.call_later(seconds, action))

    def close(self) -> None:
        """Close both connections, by a reset if the plan says so."""
        if self._plan.reset:
            self.abort()
        elif self.transport is not None:
            self.transport.close()

    def abort(self) -> None:
        """Reset both connections."""
        far, self.far = self.far, None
        if far is not None:
            reset(far.transport)
        reset(self.transport)
