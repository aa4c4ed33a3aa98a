"""How a connection sees the answer that it carries; ``Outgoing`` is how the answer sees its connection."""

from __future__ import annotations

from typing import Protocol


class Exchange(Protocol):
    """A request that is being answered, as its connection sees it."""

    @property
    def is_parked(self) -> bool:
        """Whether the answer waits for an event, such as a message, and has an owner to tell of a close."""
        ...

    def closed(self) -> None:
        """The connection closed before the answer was complete."""
        ...

    def writable(self) -> None:
        """The browser has read enough for more to be sent."""
        ...
