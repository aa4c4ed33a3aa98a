"""The rooms of the chat: who is in which room, and what was said there.

This module knows no clients, clocks or wire, so that it can be tested without a server. A method that changes
something returns events; the caller publishes each event in its channel. An example:

    rooms.enter(Person("a", "Ada"), "Tea")     Event("room:tea", {"kind": "joined", …}),
                                               Event("rooms", {"kind": "room", "name": "Tea", "people": 1})
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, replace
from typing import Any, Final

from apps.chat.words import ChatError, clean_name, clean_room, clean_text

LOBBY: Final = "Lobby"
DIRECTORY: Final = "rooms"

ROOMS_LIMIT: Final = 100
ROOMS_OF_ONE: Final = 10
"""How many rooms people of one network may have created, so that nobody takes all rooms."""
# These three keep a room's snapshot below 64 KiB, the default limit of one message.
RECENT_MESSAGES: Final = 100
RECENT_BYTES: Final = 32_000
PEOPLE_SHOWN: Final = 150

GREATEST_TAG: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a room. The id is the client's and stays; the name may change.

    ``network`` is the network of the person, which others are not told.
    """

    id: str
    name: str
    network: str = ""

    def data(self) -> dict[str, str]:
        """Return the person as a JSON object."""
        return {"id": self.id, "name": self.name}


@dataclass(frozen=True, slots=True)
class Event:
    """A message to publish in ``channel``."""

    channel: str
    data: dict[str, Any]


def tag_of(message: Any) -> int | None:
    """Return the number by which its author recognizes ``message``; None if it has no valid one."""
    tag = message.get("tag") if isinstance(message, dict) else None
    if isinstance(tag, int) and not isinstance(tag, bool) and 0 <= tag <= GREATEST_TAG:
        return tag
    return None


class Room:
    """The people in one room and the last messages there.

    Each event of the room has the next serial number. A page that enters gets a snapshot with the present
    number, and ignores events with a number up to that, since the snapshot contains them.

    Args:
        name: as it is shown.
        serial: the number to count on from.
        network: the network of the person who has created it.
    """

    def __init__(self, name: str, serial: int = 0, network: str = "") -> None:
        self.name = name
        self.network = network
        self.people: dict[str, Person] = {}
        self.serial = serial
        self._recent: deque[dict[str, Any]] = deque()
        self._recent_bytes = 0  # as JSON

    @property
    def channel(self) -> str:
        """The channel in which the room's events are published."""
        return f"room:{key_of(self.name)}"

    def join(self, person: Person) -> Event:
        """Add ``person``."""
        self.people[person.id] = person
        return self._event("joined", person=person.data(), people=len(self.people))

    def leave(self, person_id: str) -> Event:
        """Remove the person, who must be here."""
        person = self.people.pop(person_id)
        return self._event("left", person=person.data(), people=len(self.people))

    def rename(self, person_id: str, name: str) -> Event:
        """Change the name of the person, who must be here."""
        before = self.people[person_id]
        person = self.people[person_id] = replace(before, name=name)
        return self._event("renamed", person=person.data(), was=before.name)

    def say(self, person_id: str, text: str, tag: int | None, now: float) -> Event:
        """Add a message of the person, who must be here."""
        event = self._event("said", person=self.people[person_id].data(), text=text, tag=tag, time=int(now))
        self._remember(event.data)
        return event

    def snapshot(self) -> dict[str, Any]:
        """Return the room as a page that enters needs it, with at most ``PEOPLE_SHOWN`` people."""
        shown = list(self.people.values())[:PEOPLE_SHOWN]
        return {
            "name": self.name,
            "serial": self.serial,
            "count": len(self.people),
            "people": [person.data() for person in shown],
            "recent": list(self._recent),
        }

    def summary(self) -> dict[str, Any]:
        """Return the room's entry in the list of rooms."""
        return {"name": self.name, "people": len(self.people)}

    def _event(self, kind: str, **data: Any) -> Event:
        self.serial += 1
        return Event(self.channel, {"kind": kind, "room": self.name, "serial": self.serial, **data})

    def _remember(self, message: dict[str, Any]) -> None:
        self._recent.append(message)
        self._recent_bytes += _size(message)
        while len(self._recent) > RECENT_MESSAGES or self._recent_bytes > RECENT_BYTES:
            self._recent_bytes -= _size(self._recent.popleft())


class Rooms:
    """All rooms. A person is in one room at a time.

    A room is created when its first person enters and deleted when its last person leaves, but for the lobby,
    which is always there.

    Args:
        serial: the serial number that new rooms count on from. It has to be higher than any that a page
            may remember from an earlier room of the same name.
    """

    def __init__(self, serial: int = 0) -> None:
        self._serial = serial
        self._rooms: dict[str, Room] = {key_of(LOBBY): Room(LOBBY, serial)}
        self._places: dict[str, Room] = {}

    def find(self, person_id: str) -> Room | None:
        """Return the room that the person is in, or None."""
        return self._places.get(person_id)

    def directory(self) -> list[dict[str, Any]]:
        """Return each room with its name and number of people."""
        return [room.summary() for room in self._rooms.values()]

    def enter(self, person: Person, room_name: Any) -> tuple[Room, list[Event]]:
        """Move ``person`` to a room, which is created if it does not exist.

        Args:
            person: who moves. Nothing changes for somebody who is in that room already.
            room_name: as the browser sent it.

        Returns:
            the room, and the events to publish.

        Raises:
            ChatError: the name is not usable, or there are too many rooms.
        """
        room = self._open(clean_room(room_name), person.network)
        if self.find(person.id) is room:
            return room, []
        events = self.leave(person.id)
        self._places[person.id] = room
        return room, [*events, room.join(person), _listed(room)]

    def leave(self, person_id: str) -> list[Event]:
        """Take the person out of the room, if any; return the events to publish."""
        room = self._places.pop(person_id, None)
        if room is None:
            return []
        events = [room.leave(person_id), _listed(room)]
        if not room.people and room.name != LOBBY:
            del self._rooms[key_of(room.name)]
        return events

    def rename(self, person_id: str, name: Any) -> tuple[str, list[Event]]:
        """Change the name of a person, who need not be in a room.

        Returns:
            the cleaned name, and the events to publish.

        Raises:
            ChatError: the name is not usable.
        """
        cleaned = clean_name(name)
        room = self.find(person_id)
        if room is None or room.people[person_id].name == cleaned:
            return cleaned, []
        return cleaned, [room.rename(person_id, cleaned)]

    def handle(self, person_id: str, message: Any, now: float) -> list[Event]:
        """Handle a message of a browser: ``{"kind": "say", "room": NAME, "text": TEXT, "tag": NUMBER}``.

        Args:
            person_id: whose browser has sent it.
            message: any JSON value.
            now: seconds since the epoch.

        Returns:
            the events to publish.

        Raises:
            ChatError: the message is malformed, or the person is not in that room.
        """
        if not isinstance(message, dict) or message.get("kind") != "say":
            raise ChatError("malformed", "This is not a message that the chat knows.")
        text = clean_text(message.get("text"))
        room = self._joined(person_id, clean_room(message.get("room")))
        return [room.say(person_id, text, tag_of(message), now)]

    def _open(self, name: str, network: str) -> Room:
        room = self._rooms.get(key_of(name))
        if room is None:
            self._check_number(network)
            room = self._rooms[key_of(name)] = Room(name, self._serial, network)
        return room

    def _check_number(self, network: str) -> None:
        if len(self._rooms) >= ROOMS_LIMIT:
            raise ChatError("too_many_rooms", f"There are {ROOMS_LIMIT} rooms already: enter one of them.")
        opened = sum(1 for room in self._rooms.values() if network and room.network == network)
        if opened >= ROOMS_OF_ONE:
            text = f"People of your network have opened {ROOMS_OF_ONE} rooms already: enter one of them."
            raise ChatError("too_many_rooms", text)

    def _joined(self, person_id: str, room_name: str) -> Room:
        room = self.find(person_id)
        if room is None or key_of(room.name) != key_of(room_name):
            raise ChatError("not_in_room", "You are not in this room.")
        return room


def key_of(room_name: str) -> str:
    """Return the key of a room, the same for all spellings of its name in small and capital letters."""
    return room_name.casefold()


def _size(message: dict[str, Any]) -> int:
    return len(json.dumps(message, ensure_ascii=False).encode())


def _listed(room: Room) -> Event:
    return Event(DIRECTORY, {"kind": "room", **room.summary()})
