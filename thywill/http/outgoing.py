"""The outgoing half of a connection, as an answer sees it: it writes, and waits until the browser reads."""

from __future__ import annotations

import asyncio

from tornado.concurrent import future_set_result_unless_cancelled

from thywill.http.message import Refusal
from thywill.http.shared import Member, Shared


class Outgoing(Member):
    """Writes to one connection. ``Connection`` adds the rules by which answers are held back.

    A class and not a protocol: calls of its methods are several times as fast when it is compiled.

    Args:
        shared: what all connections of the server share.
    """

    __slots__ = ("_answers", "_writable", "shared", "transport")

    def __init__(self, shared: Shared) -> None:
        Member.__init__(self)
        self.shared = shared
        self.transport: asyncio.Transport | None = None
        self._writable: asyncio.Future[None] | None = None
        self._answers = b""

    def write(self, data: bytes) -> None:
        """Send ``data``; nothing happens if the connection has closed."""
        self.write_answers()
        if self.transport is not None:
            self.transport.write(data)

    def write_part(self, data: bytes) -> bool:
        """Send ``data``, and return whether more may follow before the browser has read it."""
        transport = self.transport
        if transport is None or transport.is_closing():
            return False
        self.write(data)
        return self._writable is None

    def flushed(self) -> asyncio.Future[None]:
        """Return a future that is done when the browser has read enough for more to be sent, or is gone."""
        if self._writable is not None:
            return asyncio.shield(self._writable)
        # Done only in the next turn of the loop, so that a handler that writes in a loop lets others run.
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        loop.call_soon(future_set_result_unless_cancelled, future, None)
        return future

    def is_open(self) -> bool:
        """Return whether bytes that are written now can still arrive."""
        return self.transport is not None and not self.transport.is_closing()

    def answer(self, data: bytes) -> None:
        """Send a whole answer."""
        raise NotImplementedError

    def finished(self, *, close: bool) -> None:
        """The answer is written; ``close`` says whether it was the last one on this connection."""
        raise NotImplementedError

    def refuse(self, refusal: Refusal) -> None:
        """Answer with an error and close."""
        raise NotImplementedError

    def abort(self) -> None:
        """Close at once; bytes that are not sent yet are dropped."""
        raise NotImplementedError

    def _release_writers(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None:
            writable.set_result(None)
