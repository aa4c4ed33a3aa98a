"""A relay between servers of one process: names in a dictionary, and notes in the next turn of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from thywill.hub.relay import Found, Relay


class Between:
    """The servers' state. ``loses`` decides which notes get lost, ``dead`` has ended servers."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.ears: dict[str, Callable[[str, bytes], None]] = {}
        self.dead: set[str] = set()
        self.loses: Callable[[bytes], bool] = lambda note: False
        self.away = False


class FakeRelay(Relay):
    """The relay of one server.

    Args:
        between: what the servers share.
        name: the server's.
    """

    def __init__(self, between: Between, name: str) -> None:
        self._between = between
        self.name = name

    def take(self, name: str, found: Found) -> None:
        names = self._between.names
        if names.setdefault(name, self.name) in self._between.dead:
            names[name] = self.name
        self._answer(found, names[name])

    def find(self, name: str, found: Found) -> None:
        self._answer(found, self._between.names.get(name, self.name))

    def _answer(self, found: Found, server: str) -> None:
        answer = None if self._between.away else "" if server == self.name else server
        asyncio.get_running_loop().call_soon(found, answer)

    def keep(self, names: Sequence[str]) -> None:
        """Do nothing: names stay."""

    def let_go(self, name: str) -> None:
        if self._between.names.get(name) == self.name:
            del self._between.names[name]

    def tell(self, server: str, note: bytes) -> None:
        if server not in self._between.dead and not self._between.loses(note):
            asyncio.get_running_loop().call_soon(self._between.ears[server], self.name, note)

    def listen(self, told: Callable[[str, bytes], None]) -> None:
        self._between.ears[self.name] = told

    async def alive(self) -> Collection[str]:
        return set(self._between.ears) - self._between.dead
