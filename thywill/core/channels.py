"""The members of channels, looked up by channel and by member."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


Name = tuple[str, str]
"""An application's name and a channel's name."""


class Channels(Generic[T]):
    """The members of every channel. A channel without members takes no memory.

    Dicts serve as ordered sets: messages go to members in the order in which the members were added.
    """

    def __init__(self) -> None:
        self._members: dict[Name, dict[T, None]] = {}
        self._names: dict[T, dict[Name, None]] = {}

    def __len__(self) -> int:
        return len(self._members)

    def add(self, member: T, name: Name) -> None:
        """Add ``member`` to the channel. Nothing happens if it is a member already."""
        self._members.setdefault(name, {})[member] = None
        self._names.setdefault(member, {})[name] = None

    def remove(self, member: T, name: Name) -> None:
        """Remove ``member`` from the channel. Nothing happens if it is not a member."""
        names = self._names.get(member, {})
        if name not in names:
            return
        del names[name]
        if not names:
            del self._names[member]
        self._discard(member, name)

    def forget(self, member: T) -> None:
        """Remove ``member`` from every channel."""
        for name in self._names.pop(member, {}):
            self._discard(member, name)

    def _discard(self, member: T, name: Name) -> None:
        members = self._members[name]
        del members[member]
        if not members:
            del self._members[name]

    def members(self, name: Name) -> Iterable[T]:
        """Return the members of the channel, in the order in which they were added."""
        return self._members.get(name, {}).keys()

    def names(self, member: T) -> Collection[Name]:
        """Return the channels that ``member`` is in."""
        return self._names.get(member, {}).keys()
