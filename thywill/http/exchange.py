"""How a connection and the answer that it carries see each other: ``Exchange`` and ``Sink``."""

from __future__ import annotations

import asyncio
from typing import Protocol

from thywill.http.message import Refusal
from thywill.http.shared import Shared


class Exchange(Protocol):
    """A request that is being answered, as its connection sees it."""

    @property
    def is_parked(self) -> bool:
        """Whether the answer waits for an event, such as a message, and has an owner to tell of a close."""
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
        """Return whether bytes that are written now can still arrive."""
        ...

    def finished(self, *, close: bool) -> None:
        """The answer is written; ``close`` says whether it was the last one on this connection."""
        ...

    def refuse(self, refusal: Refusal) -> None:
        """Answer with an error and close."""
        ...

    def abort(self) -> None:
        """Close at once; bytes that are not sent yet are dropped."""
        ...
