"""A relay between servers of one process: names in a dictionary, and notes in the next turn of the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from thywill.hub.relay import Found, Relay


class SharedNames:
    """What the servers share.

    ``loses`` decides which notes get lost, ``dead`` has servers that have ended, ``deaf`` those that have
    ended just now.
    """

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        self.receivers: dict[str, Callable[[str, bytes], None]] = {}
        self.deaf: set[str] = set()
        self.dead: set[str] = set()
        self.loses: Callable[[bytes], bool] = lambda note: False
        self.away = False


class FakeRelay(Relay):
    """The relay of one server.

    Args:
        shared: the names, and what is wrong with the network.
        name: the server's.
    """

    def __init__(self, shared: SharedNames, name: str) -> None:
        self._shared = shared
        self._missed: Callable[[str], None] = lambda server: None
        self.name = name

    def claim(self, name: str, found: Found) -> None:
        names = self._shared.names
        if names.setdefault(name, self.name) in self._shared.dead:
            names[name] = self.name
        self._answer(found, names[name])

    def find(self, name: str, found: Found) -> None:
        self._answer(found, self._shared.names.get(name, self.name))

    def _answer(self, found: Found, server: str) -> None:
        answer = None if self._shared.away else "" if server == self.name else server
        asyncio.get_running_loop().call_soon(found, answer)

    def renew(self, names: Sequence[str]) -> None:
        """Do nothing: names stay."""

    def release(self, name: str) -> None:
        if self._shared.names.get(name) == self.name:
            del self._shared.names[name]

    def send(self, server: str, note: bytes) -> None:
        if server in self._shared.deaf:
            asyncio.get_running_loop().call_soon(self._missed, server)
        elif server not in self._shared.dead and not self._shared.loses(note):
            asyncio.get_running_loop().call_soon(self._shared.receivers[server], self.name, note)

    def subscribe(self, received: Callable[[str, bytes], None], missed: Callable[[str], None]) -> None:
        self._shared.receivers[self.name], self._missed = received, missed

    async def live_servers(self) -> Collection[str]:
        return set(self._shared.receivers) - self._shared.dead
