"""A page that takes each message once and in order, and may change its transport at any time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.support.serving import Running
from tests.support.transports import SockJS, Transport


class Page:
    """One client, with any transport.

    Args:
        running: the server.
        answer: what ``connect`` answered.
        connect: makes a transport of a kind for a token.
    """

    def __init__(self, running: Running, answer: dict[str, Any], connect: Callable[..., Transport]) -> None:
        self.running = running
        self.id: str = answer["client"]
        self.token: str = answer["token"]
        self.cursor: int = answer["cursor"]
        self.number = 0
        self.data: list[Any] = []
        self.replies: dict[int, Any] = {}
        self.lost = 0
        self.notices: list[dict[str, Any]] = []
        self._connect = connect
        self._transport: Transport | None = None

    @property
    def transport(self) -> Transport:
        """The present transport of the page's messages."""
        assert self._transport is not None
        return self._transport

    async def use(self, kind: type[Transport], *headers: str, budget: int | None = None) -> Transport:
        """Go on with a transport of ``kind``, which may break off after ``budget`` bytes of one answer."""
        self._transport = transport = self._connect(kind, self.token, *headers)
        transport.budget = budget
        await transport.attach(self.cursor)
        return transport

    async def step(self) -> dict[str, Any]:
        """Take the server's next object, and return it; raises ``Cut``."""
        said = await self.transport.receive()
        if "messages" not in said:
            self.notices.append(said)
            return said
        if "superseded" in said or "retry" in said:
            self.notices.append(said)
        if isinstance(self.transport, SockJS) and "after" in said:
            # A missing frame is noticed here: the page would continue with a new session.
            assert said["after"] == self.cursor
        self.lost += said.get("lost", 0)
        for item in said["messages"]:
            self._take(item)
        self.cursor = max(self.cursor, said["cursor"])
        await self.transport.acknowledge(self.cursor)
        return said

    def _take(self, item: list[Any]) -> None:
        if item[0] <= self.cursor:
            return
        self.cursor = item[0]
        if len(item) == 3:
            assert item[2] not in self.replies
            self.replies[item[2]] = item[1]
        else:
            self.data.append(item[1])

    async def until(self, count: int) -> list[Any]:
        """Return the page's data when there are ``count`` of them."""
        while len(self.data) < count:
            await self.step()
        return self.data

    async def notice(self) -> dict[str, Any]:
        """Return the server's next object without messages."""
        while not self.notices:
            await self.step()
        return self.notices.pop(0)

    async def send(self, *messages: Any) -> dict[str, Any]:
        """Send messages with the next numbers."""
        first = self.number + 1
        self.number += len(messages)
        return await self.transport.send([[first + index, each] for index, each in enumerate(messages)])
