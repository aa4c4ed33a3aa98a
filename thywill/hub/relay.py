"""How servers that share a queue find the one that can answer a request, and send it notes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence

Found = Callable[[str | None], None]
"""Called with the name of a server; "" for this one; None if nobody can know at present."""


class Relay(ABC):
    """Finds the server that has something by its name, such as a SockJS session, and carries notes there."""

    @abstractmethod
    def take(self, name: str, found: Found) -> None:
        """Find the server that has ``name``. If none has it, this one has it from now on."""

    @abstractmethod
    def find(self, name: str, found: Found) -> None:
        """Find the server that has ``name``; where none has it, this one is found."""

    @abstractmethod
    def keep(self, names: Sequence[str]) -> None:
        """This server still has ``names``, which are forgotten a day after the last call."""

    @abstractmethod
    def let_go(self, name: str) -> None:
        """This server does not have ``name`` any more."""

    @abstractmethod
    def tell(self, server: str, note: bytes) -> None:
        """Send a note to another server, behind those that were sent before. It may get lost."""

    @abstractmethod
    def listen(self, told: Callable[[str, bytes], None]) -> None:
        """Call ``told`` with each note of another server, and with the server's name."""

    @abstractmethod
    async def alive(self) -> Collection[str]:
        """Return the names of the servers that are alive, as far as this one knows."""
