"""The contract by which servers that share a queue find the one for a request, and send it notes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Sequence

Found = Callable[[str | None], None]
"""Called with the name of a server; "" for this one; None if the shared store cannot be reached."""


class Relay(ABC):
    """Finds the server that holds a name, such as that of a SockJS session, and carries notes to it."""

    @abstractmethod
    def claim(self, name: str, found: Found) -> None:
        """Find the server that holds ``name``. If none does, this server holds it from now on."""

    @abstractmethod
    def find(self, name: str, found: Found) -> None:
        """Find the server that holds ``name``; the result is this server if none does."""

    @abstractmethod
    def renew(self, names: Sequence[str]) -> None:
        """Renew names that this server holds; they are forgotten a day after the last call."""

    @abstractmethod
    def release(self, name: str) -> None:
        """Release a name that this server holds."""

    @abstractmethod
    def send(self, server: str, note: bytes) -> None:
        """Send a note to another server, after the notes that were sent before. It may get lost."""

    @abstractmethod
    def subscribe(self, received: Callable[[str, bytes], None], missed: Callable[[str], None]) -> None:
        """Begin to receive notes.

        Args:
            received: called with the name of another server and each note from it.
            missed: called with the name of a server that has missed a note, most likely since it has ended.
        """

    @abstractmethod
    async def live_servers(self) -> Collection[str]:
        """Return the names of the servers that are alive, as far as this server knows."""
