"""The two sides of an answer: the request that is being answered, and the connection that it goes to."""

from __future__ import annotations

import asyncio
from typing import Protocol

from thywill.http.message import Refusal
from thywill.http.shared import Shared


class Exchange(Protocol):
    """A request that is being answered, as its connection sees it."""

    @property
    def is_parked(self) -> bool:
        """Whether whoever answers waits for an event, and wants to know at once that the browser has gone."""
        ...

    def closed(self) -> None:
        """The connection closed before the answer was complete."""
        ...

    def writable(self) -> None:
        """The browser has read enough to be sent more."""
        ...


class Sink(Protocol):
    """A connection, as an answer sees it."""

    shared: Shared

    def answer(self, data: bytes) -> None:
        """Send a whole answer."""
        ...

    def write(self, data: bytes) -> None:
        """Send ``data``, or nothing where the connection has closed."""
        ...

    def write_part(self, data: bytes) -> bool:
        """Send ``data`` likewise, and tell whether more may follow before the browser has read it."""
        ...

    def flushed(self) -> asyncio.Future[None]:
        """Return the future that is done when the browser has read enough to be sent more, or is gone."""
        ...

    def is_open(self) -> bool:
        """Tell whether what is written can still arrive."""
        ...

    def finished(self, *, close: bool) -> None:
        """The answer is written; ``close`` says that it is the connection's last."""
        ...

    def refuse(self, refusal: Refusal) -> None:
        """Answer ``refusal`` and close."""
        ...

    def abort(self) -> None:
        """Close at once; what was not sent is dropped."""
        ...
