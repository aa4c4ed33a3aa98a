"""The outgoing half of a connection: writing, and waiting until the browser has read."""

from __future__ import annotations

import asyncio

from tornado.concurrent import future_set_result_unless_cancelled

from thywill.http.shared import Member, Shared


class Outgoing(Member):
    """Writes to one connection. ``Connection`` adds the rules by which answers are held back.

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

    def _release_writers(self) -> None:
        writable, self._writable = self._writable, None
        if writable is not None:
            writable.set_result(None)
