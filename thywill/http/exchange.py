"""The two ends of an answer: the request that is being answered, and the connection that carries it."""

from __future__ import annotations

import asyncio
from typing import Protocol

from thywill.http.message import Refusal
from thywill.http.shared import Shared


class Exchange(Protocol):
    """A request that is being answered, as its connection sees it."""

    @property
    def is_parked(self) -> bool:
        """Whether the answer waits for an event, such as a message, and has to know when the browser goes."""
        ...

    def closed(self) -> None:
        """The connection closed before the answer was complete."""
        ...

    def writable(self) -> None:
        """The browser has read enough for more to be sent."""
        ...


class Sink(Protocol):
    """A connection, as an answer sees it."""

    shared: Shared

    def answer(self, data: bytes) -> None:
        """Send a whole answer."""
        ...

    def write(self, data: bytes) -> None:
        """Send ``data``; nothing happens if the connection has closed."""
        ...

    def write_part(self, data: bytes) -> bool:
        """Send ``data``, and return whether more may follow before the browser has read it."""
        ...

    def flushed(self) -> asyncio.Future[None]:
        """Return a future that is done when the browser has read enough for more to be sent, or is gone."""
        ...

    def is_open(self) -> bool:
        """Return whether what is written can still arrive."""
        ...

    def finished(self, *, close: bool) -> None:
        """The answer was written; ``close`` says that it is the last one on this connection."""
        ...

    def refuse(self, refusal: Refusal) -> None:
        """Answer an error and close."""
        ...

    def abort(self) -> None:
        """Close at once; what was not sent is dropped."""
        ...
