"""The rooms of the chat: which there are, and who is in them.

This module knows no clients, clocks or wire, so that it can be tested without a server. The messages of a
room are not here: thywill keeps them (``Chat.history``). A room stays as long as somebody is in it, or as
long as one of its messages is kept:

    12:00   Ada enters "Tea"                    the room is made
    12:01   she says something                  the message is kept until 12:01 tomorrow
    12:02   she reloads the page, or leaves     the room stays in the list, with nobody in it
    12:01   the next day                        ``expire`` removes the room
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from thywill import RpcError

LOBBY: Final = "Lobby"

ROOMS_LIMIT: Final = 100
ROOMS_OF_ONE: Final = 10
"""How many rooms people of one network may have opened, so that nobody takes all rooms."""
PEOPLE_SHOWN: Final = 300
"""How many names a page gets when it enters: they have to fit into one message (64 KiB)."""


@dataclass(slots=True, eq=False)
class Room:
    """One room.

    Args:
        name: the name as it is shown.
        network: the network of the person who has opened the room; it is never sent to pages.
        until: until when the last message is kept, in seconds since the epoch; 0 without a message.
        people: the names of the people in the room, by their ids.
    """

    name: str
    network: str = ""
    until: float = 0.0
    people: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The room's name in small letters, so that spellings with capitals name the same room."""
        return self.name.casefold()

    @property
    def said(self) -> str:
        """The channel of the room's messages, which has a history."""
        return f"room:{self.key}"

    @property
    def here(self) -> str:
        """The channel that reports who is in the room."""
        return f"here:{self.key}"

    @property
    def typing(self) -> str:
        """The channel that reports who is typing."""
        return f"typing:room:{self.key}"

    def summary(self) -> dict[str, object]:
        """Return the room's entry in the list of rooms."""
        return {"name": self.name, "people": len(self.people)}

    def names(self) -> list[dict[str, str]]:
        """Return the people in the room, at most ``PEOPLE_SHOWN``."""
        shown = list(self.people.items())[:PEOPLE_SHOWN]
        return [{"id": person, "name": name} for person, name in shown]


class Rooms:
    """All rooms. The lobby is always there."""

    def __init__(self) -> None:
        lobby = Room(LOBBY)
        self._rooms: dict[str, Room] = {lobby.key: lobby}

    def directory(self) -> list[dict[str, object]]:
        """Return each room with its name and number of people."""
        return [room.summary() for room in self._rooms.values()]

    def find(self, name: str) -> Room | None:
        """Return the room of that name, in small or capital letters; None if there is none."""
        return self._rooms.get(name.casefold())

    def at(self, here: str) -> Room | None:
        """Return the room whose channel ``Room.here`` is ``here``; None if there is none."""
        return self._rooms.get(here.partition(":")[2])

    def with_person(self, person: str) -> list[Room]:
        """Return the rooms that a person is in: several if the person has several pages."""
        return [room for room in self._rooms.values() if person in room.people]

    def name_of(self, person: str) -> str | None:
        """Return the name of somebody who is in a room; None if nobody has that id."""
        return next((room.people[person] for room in self.with_person(person)), None)

    def open(self, name: str, network: str = "", until: float = 0.0) -> tuple[Room, list[Room]]:
        """Return the room of that name, and the rooms that were removed to make room for it.

        Args:
            name: a cleaned name; if no room has it, a room is made.
            network: the network of the person who opens the room.
            until: until when the last earlier message is kept, as in ``Room``.

        Raises:
            RpcError: there are too many rooms with people in them; the code is ``too_many_rooms``.
        """
        room, removed = self.find(name), []
        if room is None:
            removed = self._make_place(network)
            room = Room(name, network)
            self._rooms[room.key] = room
        room.until = max(room.until, until)
        return room, removed

    def remove_unused(self, room: Room, now: float) -> bool:
        """Remove a room without people and without kept messages; return whether it was removed."""
        used = room.people or room.until > now or room.name == LOBBY
        if used or self.find(room.name) is not room:
            return False
        del self._rooms[room.key]
        return True

    def expire(self, now: float) -> list[Room]:
        """Remove all rooms that are not used any more, and return them."""
        return [room for room in list(self._rooms.values()) if self.remove_unused(room, now)]

    def _make_place(self, network: str) -> list[Room]:
        removed = []
        same = [room for room in self._rooms.values() if network and room.network == network]
        if len(same) >= ROOMS_OF_ONE:
            text = f"People of your network have opened {ROOMS_OF_ONE} rooms already: enter one of them."
            removed.append(self._remove_silent(same, text))
        if len(self._rooms) >= ROOMS_LIMIT:
            text = f"There are {ROOMS_LIMIT} rooms already: enter one of them."
            removed.append(self._remove_silent(list(self._rooms.values()), text))
        return removed

    def _remove_silent(self, rooms: list[Room], otherwise: str) -> Room:
        """Remove the empty room that has been silent the longest; raise ``RpcError`` if there is none."""
        empty = [room for room in rooms if not room.people and room.name != LOBBY]
        if not empty:
            raise RpcError("too_many_rooms", otherwise)
        room = min(empty, key=lambda each: each.until)
        del self._rooms[room.key]
        return room
