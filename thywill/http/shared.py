"""What all connections of one server share: limits, clock, deadlines, readers and the site.

Connections and replies use this object and do not know the server that creates it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import formatdate
from functools import partial
from typing import Any, Protocol

from thywill.core.wheel import Timed, TimerWheel
from thywill.http.heads import Heads
from thywill.http.held import AddressLimit, HeldBytes
from thywill.http.proxies import TrustedProxies
from thywill.http.reader import Limits, RequestReader
from thywill.http.site import Site
from thywill.http.states import ConnectionState as State
from thywill.http.states import timed_states
from thywill.http.turns import Turns

SPARE_READERS = 64


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a connection may take, in seconds.

    Args:
        header: from a request's first byte to the end of its header.
        body: from there to the end of its body.
        idle: between two requests, and before the first.
        write: for a browser to read what was written.
        linger: how long to keep reading after a request was refused.
        last: for the answer to a browser that has closed its sending side: it may have gone altogether.
    """

    header: float = 20.0
    body: float = 60.0
    idle: float = 75.0
    write: float = 60.0
    linger: float = 2.0
    last: float = 3.0


class Member(Timed):
    """A connection as ``Shared`` sees it."""

    __slots__ = ()

    def timed_out(self) -> None:
        """The deadline has passed."""
        raise NotImplementedError

    def write_answers(self) -> None:
        """Write the answers that were held back."""
        raise NotImplementedError


class Registry(Protocol):
    """Is told of every connection that opens or closes."""

    def opened(self, connection: Any) -> None:
        """A connection has opened."""
        ...

    def closed(self, connection: Any) -> None:
        """A connection has closed."""
        ...


class Shared:
    """What all connections of one server share; needs the running event loop.

    Args:
        site: answers requests.
        limits, timeouts: how much a browser may send, and how long it may take.
        proxies: the proxies whose X-Forwarded-* headers are believed.
        tick: seconds between two checks of the deadlines.

    Connections read and change three fields directly, because a method call for each request would cost more
    than the change: ``last_answer`` (the parts of the last answer, and its bytes), ``answering`` (connections
    that hold answers back until everything that arrived in this turn of the loop is read) and
    ``spare_readers`` (at most ``SPARE_READERS`` readers, all between two requests).
    """

    def __init__(
        self, site: Site, limits: Limits, timeouts: Timeouts, proxies: TrustedProxies, tick: float
    ) -> None:
        self.site = site
        self.limits = limits
        self.timeouts = timeouts
        self.proxies = proxies
        self.last_answer: tuple[tuple[int, bytes, bytes, bytes], bytes] | None = None
        self.date = b""
        self.stopping = False
        self.first_state = timed_states(partial(getattr, timeouts))[State.READY]
        self._loop = asyncio.get_running_loop()
        self.now: Callable[[], float] = self._loop.time
        self.tick_seconds = tick
        self.wheel: TimerWheel[Member] = TimerWheel(tick, self.now())
        self.held = HeldBytes(limits.held, limits.held_per_address, site.limited)
        self.address_limit = AddressLimit(limits.connections, site.limited)
        self.heads = Heads(limits, proxies, paths=site.endpoints)
        self.turns = Turns(self._loop.call_soon)
        self.call_soon = self._loop.call_soon
        self.answering: list[Member] = []
        self.spare_readers: list[RequestReader] = []

    def new_reader(self) -> RequestReader:
        """Return a reader that has read nothing."""
        return RequestReader(self.limits, self.site.admit_body)

    def tick(self) -> None:
        """Update the Date header, tell connections whose deadline has passed, and give memory back."""
        self.date = b"Date: %b\r\n" % formatdate(usegmt=True).encode()
        for member in self.wheel.advance(self.now()):
            member.timed_out()
        self.held.release_unused()
        self.heads.age(self.now())
