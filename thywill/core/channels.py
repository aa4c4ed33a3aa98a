"""The members of channels, looked up by channel and by member."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable
from typing import Generic, TypeVar

T = TypeVar("T", bound=Hashable)


Name = tuple[str, str]
"""An application's name and a channel's name."""


class Channel(Generic[T]):
    """A channel with its members. A dict serves as an ordered set, here and below."""

    __slots__ = ("members", "name")

    def __init__(self, name: Name) -> None:
        self.name = name
        self.members: dict[T, None] = {}


class Channels(Generic[T]):
    """The members of every channel. A channel without members takes no memory.

    Messages go to members in the order in which the members were added.

    Nearly every member is in one channel. That channel is stored without a collection around it, which would
    take several times the memory; and its name is one object, whoever adds a member under this name.
    """

    def __init__(self) -> None:
        self._channels: dict[Name, Channel[T]] = {}
        self._of_member: dict[T, Channel[T] | dict[Channel[T], None]] = {}

    def __len__(self) -> int:
        return len(self._channels)

    def add(self, member: T, name: Name) -> None:
        """Add ``member`` to the channel. Nothing happens if it is a member already."""
        channel = self._channels.get(name)
        if channel is None:
            channel = self._channels[name] = Channel(name)
        elif member in channel.members:
            return
        channel.members[member] = None
        others = self._of_member.get(member)
        if others is None:
            self._of_member[member] = channel
        elif isinstance(others, dict):
            others[channel] = None
        else:
            self._of_member[member] = {others: None, channel: None}

    def remove(self, member: T, name: Name) -> None:
        """Remove ``member`` from the channel. Nothing happens if it is not a member."""
        channel = self._channels.get(name)
        if channel is None or member not in channel.members:
            return
        others = self._of_member[member]
        if isinstance(others, dict):
            del others[channel]
        if others is channel or not others:
            del self._of_member[member]
        self._discard(member, channel)

    def forget(self, member: T) -> None:
        """Remove ``member`` from every channel."""
        channels = self._channels_of(member)
        self._of_member.pop(member, None)
        for channel in channels:
            self._discard(member, channel)

    def _channels_of(self, member: T) -> Iterable[Channel[T]]:
        found = self._of_member.get(member)
        if found is None:
            return ()
        return found if isinstance(found, dict) else (found,)

    def _discard(self, member: T, channel: Channel[T]) -> None:
        del channel.members[member]
        if not channel.members:
            del self._channels[channel.name]

    def members(self, name: Name) -> Iterable[T]:
        """Return the members of the channel, in the order in which they were added."""
        channel = self._channels.get(name)
        return () if channel is None else channel.members.keys()

    def has(self, member: T, name: Name) -> bool:
        """Return whether ``member`` is in the channel."""
        channel = self._channels.get(name)
        return channel is not None and member in channel.members

    def names(self, member: T) -> Collection[Name]:
        """Return the channels that ``member`` is in."""
        return [channel.name for channel in self._channels_of(member)]
