"""A page: it takes what its carrier brings, once and in order, and may change the carrier at any time."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from tests.push.carriers import Carrier, Cut, SockJS
from tests.serving import Running


def port_of(running: Running) -> int:
    """Return the port that ``running`` listens on."""
    return urlsplit(running.base).port or 0


class Page:
    """One client, whatever carries its messages.

    Args:
        running: the server.
        answer: what ``connect`` answered.
    """

    def __init__(self, running: Running, answer: dict[str, Any]) -> None:
        self.running = running
        self.id: str = answer["client"]
        self.token: str = answer["token"]
        self.cursor: int = answer["cursor"]
        self.number = 0
        self.data: list[Any] = []
        self.replies: dict[int, Any] = {}
        self.lost = 0
        self.notices: list[dict[str, Any]] = []
        self.carriers: list[Carrier] = []
        self._carrier: Carrier | None = None

    @classmethod
    async def connect(cls, running: Running, kind: type[Carrier] | None = None, *headers: str) -> Page:
        """Return a page of a new client, carried by ``kind`` and connected."""
        page = cls(running, await running.ask("connect", {"application": "probe"}))
        if kind is not None:
            await page.use(kind, *headers)
            await page.step()
        return page

    @property
    def carrier(self) -> Carrier:
        """What carries the page's messages now."""
        assert self._carrier is not None
        return self._carrier

    async def use(self, kind: type[Carrier], *headers: str, budget: int | None = None) -> Carrier:
        """Go on with a carrier of ``kind``, which may break off after ``budget`` bytes of one answer."""
        carrier = kind(port_of(self.running), self.token, *headers)
        carrier.budget = budget
        self.carriers.append(carrier)
        self._carrier = carrier
        await carrier.attach(self.cursor)
        return carrier

    async def step(self) -> dict[str, Any]:
        """Take what the server says next, and return it; raises ``Cut``."""
        said = await self.carrier.receive()
        if "messages" not in said:
            self.notices.append(said)
            return said
        if "superseded" in said or "retry" in said:
            self.notices.append(said)
        if isinstance(self.carrier, SockJS) and "after" in said:
            # A frame that is missing shows: the page would go on with another session.
            assert said["after"] == self.cursor
        self.lost += said.get("lost", 0)
        for item in said["messages"]:
            self._take(item)
        await self.carrier.acknowledge(self.cursor)
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
        """Return the next thing that is said and is no message."""
        while not self.notices:
            await self.step()
        return self.notices.pop(0)

    async def send(self, *messages: Any) -> dict[str, Any]:
        """Send messages with the next numbers."""
        first = self.number + 1
        self.number += len(messages)
        return await self.carrier.send([[first + index, each] for index, each in enumerate(messages)])

    async def close(self) -> None:
        """Break everything off."""
        for carrier in self.carriers:
            await carrier.close()


__all__ = ["Cut", "Page"]
