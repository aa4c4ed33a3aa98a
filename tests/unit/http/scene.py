"""A connection of our HTTP server whose other end, and whose clock, are the test's own."""

from __future__ import annotations

from typing import Any

from tests.unit.http.handlers import Memory
from tests.unit.http.place import Place
from thywill.core.wheel import TimerWheel
from thywill.http.proxies import TrustedProxies
from thywill.http.reader import Limits
from thywill.http.server import FastServer
from thywill.http.shared import Timeouts

TIMES = Timeouts(header=10, body=20, idle=30, write=40, linger=50)


class Transport:
    """The loop's end of a connection whose browser does what the test says."""

    def __init__(self) -> None:
        self.written = b""
        self.unsent = 0
        self.reading = True
        self.closing = self.ended = self.aborted = False

    def get_extra_info(self, name: str) -> Any:
        return ("127.0.0.1", 1)

    def write(self, data: bytes) -> None:
        self.written += data

    def write_eof(self) -> None:
        self.ended = True

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True


class Scene:
    """A connection at the time 0."""

    def __init__(self) -> None:
        self.place = Place()
        self.server = FastServer(self.place.site(), Limits(pipeline=4), TIMES, TrustedProxies([]))
        self.time = 0.0
        self.server.shared.now = lambda: self.time
        self.server.shared.wheel = TimerWheel(1.0, self.time)
        self.transport = Transport()
        self.connection = self.server._connect()
        self.connection.connection_made(self.transport)  # type: ignore[arg-type]

    def receive(self, data: bytes, *, after: float = 1) -> float:
        """Let ``data`` arrive some seconds later; return the deadline."""
        self.time += after
        self.connection.data_received(data)
        return self.connection.deadline

    @property
    def memory(self) -> Memory:
        return self.place.memory

    def answer_parked(self) -> float:
        """Answer the first parked request; return the deadline."""
        self.place.parked.pop(0).reply.send(200, b"parked")
        return self.connection.deadline
