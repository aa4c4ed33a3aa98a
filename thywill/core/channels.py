"""Who is in which channel: a table of names (application and channel) and members, both ways."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


Name = tuple[str, str]


class Channels(Generic[T]):
    """The members of named groups; a group without members does not exist.

    Dicts serve as ordered sets: members are addressed in the order in which they came.
    """

    def __init__(self) -> None:
        self._members: dict[Name, dict[T, None]] = {}
        self._names: dict[T, dict[Name, None]] = {}

    def __len__(self) -> int:
        return len(self._members)

    def add(self, member: T, name: Name) -> None:
        """Put ``member`` into the channel; once is enough."""
        self._members.setdefault(name, {})[member] = None
        self._names.setdefault(member, {})[name] = None

    def remove(self, member: T, name: Name) -> None:
        """Take ``member`` out of the channel, if it is in."""
        names = self._names.get(member, {})
        if name not in names:
            return
        del names[name]
        if not names:
            del self._names[member]
        self._discard(member, name)

    def forget(self, member: T) -> None:
        """Take ``member`` out of every channel."""
        for name in self._names.pop(member, {}):
            self._discard(member, name)

    def _discard(self, member: T, name: Name) -> None:
        members = self._members[name]
        del members[member]
        if not members:
            del self._members[name]

    def members(self, name: Name) -> Iterable[T]:
        """Return the members of the channel, in the order in which they came."""
        return self._members.get(name, {}).keys()

    def names(self, member: T) -> Iterable[Name]:
        """Return the channels that ``member`` is in."""
        return self._names.get(member, {}).keys()
