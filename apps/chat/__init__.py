"""Chat: rooms in which people have names and talk, and private messages between two of them.

``rooms.py`` knows which rooms there are and who is in them. thywill does the rest: ``history`` keeps the
messages, ``presence`` reports people, not pages, and ``client.person`` keeps the names.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import Annotated, Any

from msgspec import Meta

from apps.chat.rooms import LOBBY, Room, Rooms
from apps.chat.words import NAME_LIMIT, ROOM_LIMIT, TEXT_LIMIT, clean_name, clean_room, clean_text, guest_name
from thywill import Client, Configuration, Cuttable, RpcError, every, on, rpc

DIRECTORY = "rooms"
"""The channel of the list of rooms."""

KEPT = 24 * 3600.0
"""For how many seconds messages are kept."""
PAST = {"count": 200, "seconds": KEPT, "bytes": 200_000}

PERIOD = 10.0
"""The period of the next limits, in seconds."""
MESSAGES = 30
"""How many messages a page may send in a period: more than anybody types."""
MOVES = 20
"""How often a page may enter a room or change its name in a period."""
SIGNS = 10
"""How often a page may report in a period that somebody is typing."""
REMEMBERED = 10
"""How many rooms are remembered over a restart, of those in which a person has talked."""
SOON = 600.0
"""A remembered time is saved again only if the new one is so many seconds later."""

Tag = Annotated[int, Meta(ge=0, le=2**53 - 1)] | None
"""The number by which a page recognizes its own message when it comes back."""


class Chat(Cuttable):
    """The chat. Each room has three channels: its messages, its people, and who is typing."""

    title = "Chat"
    description = "Rooms to talk in with everybody who is here, and private messages."
    icon = "icon.svg"
    page = "chat.html"
    scripts = [
        "dom.js",
        "time.js",
        "links.js",
        "person.js",
        "list.js",
        "log.js",
        "arrivals.js",
        "pending.js",
        "typing.js",
        "field.js",
        "status.js",
        "side.js",
        "talks.js",
        "chat.js",
    ]
    styles = ["chat.css"]
    presence = ["here:*"]
    history = {"room:*": PAST, "person:*": PAST}
    channel_overflow = {DIRECTORY: "conflate", "typing:*": "conflate"}

    def __init__(self) -> None:
        self._rooms = Rooms()

    def bootstrap(self, client: Client, configuration: Configuration) -> None:
        super().bootstrap(client, configuration)
        limits = {"name": NAME_LIMIT, "room": ROOM_LIMIT, "text": TEXT_LIMIT}
        configuration.parameters.update(me=client.person_id, lobby=LOBBY, limits=limits)

    # Coming and going.

    async def on_connect(self, client: Client) -> None:
        await self._recall(client)
        await self.subscribe(client, DIRECTORY, snapshot=self._directory)
        await self.letters(client)
        await self.subscribe(client, f"typing:person:{client.person_id}")

    async def on_resume(self, client: Client) -> None:
        # For the others in the room nobody has left, so nothing is published.
        name = client.data.get("room")
        with suppress(RpcError):
            if name is not None:
                room, _ = self._rooms.open(name, client.network, time.time() + KEPT)
                room.people[client.person_id] = self._name(client)
        await self._recall(client)

    async def on_leave(self, channel: str, person: dict[str, Any]) -> None:
        room = self._rooms.at(channel)
        if room is None or person["id"] in {each["id"] for each in self.people(channel)}:
            return
        room.people.pop(person["id"], None)
        self._rooms.remove_unused(room, time.time())
        await self._list(room)

    @rpc
    async def enter(self, client: Client, name: str) -> dict[str, Any]:
        """Enter the room ``name``: the page gets its history, its people, and everything that follows."""
        await client.limit("moves", MOVES, per=PERIOD)
        room, removed = self._rooms.open(clean_room(name), client.network)
        await self._leave_room(client)
        client.data["room"] = room.name
        you = self._you(client)
        room.people[you["id"]] = you["name"]
        await self.publish(room.here, {"type": "person", "person": you})
        await client.send({"type": "entered", "name": room.name, "you": you})
        await self.subscribe(client, room.said, replay=True)
        await self.subscribe(client, room.typing)
        await self.subscribe(client, room.here, snapshot=lambda: {"type": "people", "people": room.names()})
        await self._list(*removed, room)
        return {"name": room.name, "you": you}

    async def _leave_room(self, client: Client) -> None:
        room = self._rooms.find(client.data.get("room", ""))
        if room is not None:
            for channel in (room.said, room.typing, room.here):
                await self.unsubscribe(client, channel)

    @rpc
    async def rename(self, client: Client, name: str) -> str:
        """Change the name of the caller; return the cleaned name that others see."""
        await client.limit("moves", MOVES, per=PERIOD)
        cleaned, was = clean_name(name), self._name(client)
        if cleaned != was:
            client.person["name"] = cleaned
            for room in self._rooms.with_person(client.person_id):
                room.people[client.person_id] = cleaned
                await self.publish(room.here, {"type": "renamed", "person": self._you(client), "was": was})
        return cleaned

    # Talking.

    @rpc
    async def say(self, client: Client, room: str, text: str, tag: Tag = None) -> None:
        """Say something in the room that the page is in."""
        await client.limit("messages", MESSAGES, per=PERIOD)
        place = self._rooms.find(clean_room(room))
        if place is None or client.data.get("room") != place.name:
            raise RpcError("not_in_room", "You are not in this room.")
        said = {"type": "said", "person": self._you(client), **_message(text, tag)}
        place.until = said["time"] + KEPT
        self._remember(client, place)
        await self.publish(place.said, said)

    @rpc
    async def write(self, client: Client, to: str, text: str, tag: Tag = None) -> None:
        """Write to one person who is in a room, by the id of the person."""
        await client.limit("messages", MESSAGES, per=PERIOD)
        name = self._rooms.name_of(to)
        if name is None:
            raise RpcError("gone", "Nobody of that name is here any more.")
        receiver = {"id": to, "name": name}
        letter = {"type": "private", "person": self._you(client), "to": receiver, **_message(text, tag)}
        for person in dict.fromkeys((to, client.person_id)):
            await self.publish(f"person:{person}", letter)

    @rpc
    async def letters(self, client: Client) -> None:
        """Send the page the private messages to and from its person, beginning with the history."""
        channel = f"person:{client.person_id}"
        await self.unsubscribe(client, channel)
        await self.subscribe(client, channel, replay=True)

    @on("typing")
    async def typing(self, client: Client, to: str | None = None) -> None:
        """Tell the room, or one person, that somebody is typing."""
        await client.limit("typing", SIGNS, per=PERIOD)
        room = self._rooms.find(client.data.get("room", ""))
        channel = f"typing:person:{to}" if to is not None else room.typing if room is not None else None
        if channel is not None:
            sign = {"type": "typing", "person": self._you(client), "private": to is not None}
            await self.publish(channel, sign, key=client.person_id)

    # The list of rooms.

    @every(60)
    async def expire(self) -> None:
        """Remove the empty rooms whose messages have expired."""
        await self._list(*self._rooms.expire(time.time()))

    def _directory(self) -> dict[str, Any]:
        return {"type": "rooms", "rooms": self._rooms.directory()}

    async def _list(self, *rooms: Room) -> None:
        """Publish the entries of rooms that have changed or were removed."""
        for room in rooms:
            removed = self._rooms.find(room.name) is not room
            entry = {"type": "room", **room.summary(), "removed": removed}
            await self.publish(DIRECTORY, entry, key=room.key)

    def _remember(self, client: Client, room: Room) -> None:
        """Remember the room with the person, so that it is in the list again after a restart."""
        rooms: dict[str, float] = client.person.setdefault("rooms", {})
        if rooms.get(room.name, 0) < room.until - SOON:
            rooms.pop(room.name, None)
            rooms[room.name] = room.until
            while len(rooms) > REMEMBERED:
                del rooms[next(iter(rooms))]

    async def _recall(self, client: Client) -> None:
        for name, until in client.person.get("rooms", {}).items():
            if until > time.time() and self._rooms.find(name) is None:
                with suppress(RpcError):
                    room, removed = self._rooms.open(name, client.network, until)
                    await self._list(*removed, room)

    # Names.

    def _name(self, client: Client) -> str:
        return str(client.person.get("name") or guest_name(client.person_id))

    def _you(self, client: Client) -> dict[str, str]:
        return {"id": client.person_id, "name": self._name(client)}


def _message(text: str, tag: Tag) -> dict[str, Any]:
    return {"text": clean_text(text), "tag": tag, "time": int(time.time())}
