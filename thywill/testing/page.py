"""A page of the tested application, as its browser client sees it."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from thywill.client import Client
from thywill.core.envelope import read_items
from thywill.errors import Gone, RequestError, RpcError
from thywill.hub.client import LiveClient
from thywill.hub.hub import Hub
from thywill.testing.clock import Clock

THREADS_TIMEOUT = 1.0
"""Real seconds to wait for the threads of the application."""
LIMIT = 1024 * 1024
"""Bytes of JSON that a test may send at once."""
HOLD = 25.0
"""Seconds for which a poll is parked, in the time of the test."""


class BrowserPage:
    """One page that is open in one browser; ``RunningApplication.connect`` makes it.

    - ``client``: the client, as hooks get it.
    - ``errors``: the ``error`` events that ``next_error`` has not returned yet: dicts with ``code`` and
      ``message``.
    - ``presence``: the presence events that ``next_presence`` has not returned yet.
    - ``lost``: how many messages the page has lost, as the server says.
    - ``gone``: the reason why the client has ended; None while it is alive.
    """

    def __init__(self, hub: Hub, live: LiveClient, client: Client, clock: Clock) -> None:
        self.client = client
        self.errors: deque[dict[str, Any]] = deque()
        self.presence: deque[dict[str, Any]] = deque()
        self.lost = 0
        self.gone: str | None = None
        self._hub = hub
        self._live = live
        self._clock = clock
        self._messages: deque[Any] = deque()
        self._replies: dict[int, dict[str, Any]] = {}
        self._calls: set[int] = set()
        self._cursor = live.outbox.cursor
        self._number = 0
        self._away = False

    @property
    def id(self) -> str:
        """The id of the client."""
        return self.client.id

    @property
    def session(self) -> str:
        """The id of the browser's session."""
        return self.client.session

    # What the page does.

    async def send(self, *messages: Any) -> None:
        """Send messages, and let the application handle them.

        Raises:
            RequestError: the server refuses the messages, as it would refuse a browser's.
        """
        self._send([[self._next(), message] for message in messages])
        await self._clock.settle()

    async def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the application and return its result.

        Raises:
            RpcError: the reply is an error; the exception has its ``code`` and ``message``.
            AssertionError: no reply comes at this time; ``advance`` lets time pass.
        """
        reply = await self.begin_call(method, *arguments)
        if not await self._clock.wait(lambda: reply() is not None or self.gone is not None, THREADS_TIMEOUT):
            raise AssertionError(f"the call of {method!r} is not answered at this time")
        outcome = reply() or {"error": {"code": "gone", "message": self.gone}}
        if "error" in outcome:
            raise RpcError(outcome["error"]["code"], outcome["error"]["message"])
        return outcome["result"]

    async def begin_call(self, method: str, *arguments: Any) -> Callable[[], dict[str, Any] | None]:
        """Call a method; return a function that returns its outcome, or None as long as there is none.

        The outcome is ``{"result": …}`` or ``{"error": {"code": …, "message": …}}``.
        """
        number = self._next()
        self._calls.add(number)
        self._send([[number, list(arguments), method]])
        await self._clock.settle()
        return lambda: self._replies.get(number)

    async def leave(self) -> None:
        """Close the page: its client leaves."""
        self._hub.leave(self._live)
        await self._clock.settle()

    async def go_away(self) -> None:
        """Lose the network: the server hears nothing of this page until ``come_back``."""
        self._away = True
        if self._live.receiver is self:
            self._hub.release(self._live)
        await self._clock.settle()

    async def come_back(self) -> None:
        """Have the network again; if the client is still alive, the page gets what was sent meanwhile."""
        self._away = False
        self.poll(HOLD)
        await self._clock.settle()

    # What the page gets.

    async def next(self) -> Any:
        """Return the next message.

        Raises:
            AssertionError: no message comes at this time; ``advance`` lets time pass.
        """
        if not await self._clock.wait(lambda: bool(self._messages), THREADS_TIMEOUT):
            raise AssertionError(f"no message has come{self._reason()}")
        return self._messages.popleft()

    async def all(self) -> list[Any]:
        """Return the messages that have come until now, perhaps an empty list."""
        await self._clock.settle()
        messages = list(self._messages)
        self._messages.clear()
        return messages

    async def next_error(self) -> dict[str, Any]:
        """Return the next ``error`` event: a dict with ``code`` and ``message``.

        Raises:
            AssertionError: no error comes.
        """
        if not await self._clock.wait(lambda: bool(self.errors), THREADS_TIMEOUT):
            raise AssertionError("no error has come")
        return self.errors.popleft()

    async def next_presence(self) -> dict[str, Any]:
        """Return the next presence event: a dict with ``channel``, ``joined`` and ``left``.

        Raises:
            AssertionError: no event comes at this time; ``advance`` lets time pass.
        """
        if not await self._clock.wait(lambda: bool(self.presence), THREADS_TIMEOUT):
            raise AssertionError("no presence event has come")
        return self.presence.popleft()

    def _reason(self) -> str:
        if self.gone is not None:
            return f": the client has ended ({self.gone})"
        return f", but an error: {self.errors[-1]['message']}" if self.errors else ""

    # The wire.

    def poll(self, hold: float) -> None:
        """Poll as the browser client does, for ``hold`` seconds at most."""
        if self._away or self.gone is not None:
            return
        try:
            self._hub.poll(self._live, self, self._cursor, hold)
        except Gone as error:
            self.end(error)

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _send(self, items: list[list[Any]]) -> None:
        if self.gone is not None:
            raise Gone(self.gone)
        body = json.dumps(items).encode()
        self._hub.receive(self._live, read_items(msgspec.Raw(body), len(items), LIMIT), self._accepted)

    def _accepted(self, received: int, error: RequestError | None) -> None:
        if error is not None:
            raise error

    def _read(self, answer: bytes) -> None:
        body = json.loads(answer)
        self.lost += body.get("lost", 0)
        for item in body["messages"]:
            self._take(*item)
        self._cursor = body["cursor"]

    def _take(self, _id: int, data: Any, reply_to: int | str | None = None) -> None:
        if reply_to is None:
            self._messages.append(data)
        elif reply_to == "pack":
            self._messages.extend(data)
        elif reply_to == "presence":
            self.presence.append(data)
        elif reply_to in self._calls:
            self._replies[reply_to] = data
        elif "error" in data:
            self.errors.append(data["error"])

    # thywill.hub.client.Receiver: a poll that is followed by the next one at once.

    def flush(self) -> None:
        self._hub.release(self._live)
        self._read(self._live.outbox.next_answer())
        self.poll(HOLD)

    def expire(self) -> None:
        self.flush()

    def supersede(self) -> None:
        """Another poll of this page has taken the place of this one."""

    def retry(self, seconds: float) -> None:
        self._hub.release(self._live)

    def end(self, reason: Gone) -> None:
        self.gone = str(reason)
