"""The rooms of the chat: who is in which, and what was said there.

Nothing here knows of connections, clocks or the wire. A change returns the events that tell others of
it; who calls publishes them.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from typing import Any, Final

from apps.chat.words import ChatError, clean_name, clean_room, clean_text

LOBBY: Final = "Lobby"
DIRECTORY: Final = "rooms"

ROOMS_LIMIT: Final = 100
# These three keep what a newcomer is told of a room below 64 KiB, the default limit of one message.
RECENT_MESSAGES: Final = 100
RECENT_BYTES: Final = 32_000
PEOPLE_SHOWN: Final = 150

GREATEST_TAG: Final = 2**53 - 1


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a room: an id that stays, a name that may change."""

    id: str
    name: str

    def data(self) -> dict[str, str]:
        """Return the person as JSON."""
        return {"id": self.id, "name": self.name}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that those who listen to ``channel`` should know."""

    channel: str
    data: dict[str, Any]


def tag_of(message: Any) -> int | None:
    """Return the number by which its author knows ``message``, or None where there is no usable one."""
    tag = message.get("tag") if isinstance(message, dict) else None
    if isinstance(tag, int) and not isinstance(tag, bool) and 0 <= tag <= GREATEST_TAG:
        return tag
    return None


class Room:
    """The people in one room and the last messages there.

    ``serial`` counts the room's events on from where it began, so that somebody who has just been told of
    the room can leave out the events that were known already.
    """

    def __init__(self, name: str, serial: int = 0) -> None:
        self.name = name
        self.people: dict[str, Person] = {}
        self.serial = serial
        self._recent: deque[dict[str, Any]] = deque()
        self._recent_bytes = 0  # as JSON

    @property
    def channel(self) -> str:
        """The channel of the room's events."""
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
        was = self.people[person_id].name
        person = self.people[person_id] = Person(person_id, name)
        return self._event("renamed", person=person.data(), was=was)

    def say(self, person_id: str, text: str, tag: int | None, now: float) -> Event:
        """Add a message of the person, who must be here, to the recent ones."""
        event = self._event("said", person=self.people[person_id].data(), text=text, tag=tag, time=int(now))
        self._remember(event.data)
        return event

    def snapshot(self) -> dict[str, Any]:
        """Return what somebody who enters has to know; of a crowd only the first people."""
        shown = list(self.people.values())[:PEOPLE_SHOWN]
        return {
            "name": self.name,
            "serial": self.serial,
            "count": len(self.people),
            "people": [person.data() for person in shown],
            "recent": list(self._recent),
        }

    def summary(self) -> dict[str, Any]:
        """Return the room's line in the list of rooms."""
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
    """All rooms. A person is in one at a time; a room opens when it is entered and ends when it is empty.

    The lobby is always there, and keeps its recent messages.

    Args:
        serial: where the rooms begin to count their events: above all that pages remember of earlier rooms.
    """

    def __init__(self, serial: int = 0) -> None:
        self._serial = serial
        self._rooms: dict[str, Room] = {key_of(LOBBY): Room(LOBBY, serial)}
        self._places: dict[str, Room] = {}

    def find(self, person_id: str) -> Room | None:
        """Return the room that the person is in."""
        return self._places.get(person_id)

    def directory(self) -> list[dict[str, Any]]:
        """Return every room's name and how many are in it."""
        return [room.summary() for room in self._rooms.values()]

    def enter(self, person: Person, room_name: Any) -> tuple[Room, list[Event]]:
        """Move ``person`` to the room, which is opened if need be.

        Args:
            person: who moves; in the same room already is no change.
            room_name: as the browser sent it.

        Returns:
            the room, and the events to publish.

        Raises:
            ChatError: the name is not usable, or there are too many rooms.
        """
        room = self._open(clean_room(room_name))
        if self.find(person.id) is room:
            return room, []
        events = self.leave(person.id)
        self._places[person.id] = room
        return room, [*events, room.join(person), _listed(room)]

    def leave(self, person_id: str) -> list[Event]:
        """Take the person out of the room, if there is one, and return the events to publish."""
        room = self._places.pop(person_id, None)
        if room is None:
            return []
        events = [room.leave(person_id), _listed(room)]
        if not room.people and room.name != LOBBY:
            del self._rooms[key_of(room.name)]
        return events

    def rename(self, person_id: str, name: Any) -> tuple[str, list[Event]]:
        """Give the person a new name, in a room or before entering one.

        Returns:
            the name, cleaned, and the events to publish.

        Raises:
            ChatError: the name is not usable.
        """
        cleaned = clean_name(name)
        room = self.find(person_id)
        if room is None or room.people[person_id].name == cleaned:
            return cleaned, []
        return cleaned, [room.rename(person_id, cleaned)]

    def handle(self, person_id: str, message: Any, now: float) -> list[Event]:
        """Carry out what a browser sent: ``{"kind": "say", "room": NAME, "text": TEXT, "tag": NUMBER}``.

        Args:
            person_id: who sent it.
            message: any JSON value.
            now: seconds since the epoch.

        Returns:
            the events to publish.

        Raises:
            ChatError: it is not such a message, or the person is not in that room.
        """
        if not isinstance(message, dict) or message.get("kind") != "say":
            raise ChatError("malformed", "This is not a message that the chat knows.")
        text = clean_text(message.get("text"))
        room = self._joined(person_id, clean_room(message.get("room")))
        return [room.say(person_id, text, tag_of(message), now)]

    def _open(self, name: str) -> Room:
        room = self._rooms.get(key_of(name))
        if room is None:
            if len(self._rooms) >= ROOMS_LIMIT:
                raise ChatError(
                    "too_many_rooms", f"There are {ROOMS_LIMIT} rooms already: enter one of them."
                )
            room = self._rooms[key_of(name)] = Room(name, self._serial)
        return room

    def _joined(self, person_id: str, room_name: str) -> Room:
        room = self.find(person_id)
        if room is None or key_of(room.name) != key_of(room_name):
            raise ChatError("not_in_room", "You are not in this room.")
        return room


def key_of(room_name: str) -> str:
    """Return what two spellings of the same room have in common."""
    return room_name.casefold()


def _size(message: dict[str, Any]) -> int:
    return len(json.dumps(message, ensure_ascii=False).encode())


def _listed(room: Room) -> Event:
    return Event(DIRECTORY, {"kind": "room", **room.summary()})
