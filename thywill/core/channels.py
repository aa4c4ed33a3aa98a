"""Who is in which channel: a table of names (application and channel) and members, both ways."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


Name = tuple[str, str]


class Channels(Generic[T]):
    """The members of named groups; a group without members does not exist.

    A dict serves as an ordered set of members, who are addressed in the order in which they came; a tuple
    holds the few names of each, since there may be a hundred thousand of them.
    """

    def __init__(self) -> None:
        self._members: dict[Name, dict[T, None]] = {}
        self._names: dict[T, tuple[Name, ...]] = {}

    def __len__(self) -> int:
        return len(self._members)

    def add(self, member: T, name: Name) -> None:
        """Put ``member`` into the channel; once is enough."""
        self._members.setdefault(name, {})[member] = None
        names = self._names.get(member, ())
        if name not in names:
            self._names[member] = (*names, name)

    def remove(self, member: T, name: Name) -> None:
        """Take ``member`` out of the channel, if it is in."""
        members = self._members.get(name)
        if members is None or member not in members:
            return
        del members[member]
        if not members:
            del self._members[name]
        names = tuple(each for each in self._names[member] if each != name)
        if names:
            self._names[member] = names
        else:
            del self._names[member]

    def forget(self, member: T) -> None:
        """Take ``member`` out of every channel."""
        for name in self._names.get(member, ()):
            self.remove(member, name)

    def members(self, name: Name) -> Iterable[T]:
        """Return the members of the channel, in the order in which they came."""
        return self._members.get(name, {}).keys()

    def names(self, member: T) -> Iterable[Name]:
        """Return the channels that ``member`` is in."""
        return self._names.get(member, ())
