"""Chat: rooms in which people have names and talk.

``rooms.py`` knows who is where and what was said, and returns events. This module connects it with the
clients: it calls ``Rooms`` from hooks and calls, and publishes the events.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from typing import Any

from apps.chat.rooms import DIRECTORY, LOBBY, Event, Person, Rooms, tag_of
from apps.chat.words import NAME_LIMIT, ROOM_LIMIT, TEXT_LIMIT, ChatError
from thywill import Application, Client, Configuration, RpcError, rpc

EVENTS_PER_SECOND = 1000
"""More events than a room can have in a second, so that its serial number never overtakes the clock."""

PERIOD = 10.0
"""The period of the next two limits, in seconds."""
MESSAGES = 30
"""How many messages a page may send in that time: more than anybody types."""
MOVES = 20
"""How often a page may enter a room or change its name in that time."""


class Chat(Application):
    """The chat. Each room is a channel, and so is the list of rooms."""

    title = "Chat"
    description = "Rooms to talk in, with everybody who is here."
    icon = "icon.svg"
    page = "chat.html"
    scripts = [
        "dom.js",
        "time.js",
        "person.js",
        "list.js",
        "log.js",
        "pending.js",
        "status.js",
        "side.js",
        "chat.js",
    ]
    styles = ["chat.css", "modern.css"]

    async def on_start(self) -> None:
        # A page that outlives a restart of the server remembers the serial number of the last event it has
        # seen. Numbers that begin with the clock are higher than all before the restart.
        self._rooms = Rooms(serial=int(time.time() * EVENTS_PER_SECOND))
        self._guests = count(1)

    def bootstrap(self, client: Client, configuration: Configuration) -> None:
        limits = {"name": NAME_LIMIT, "room": ROOM_LIMIT, "text": TEXT_LIMIT}
        configuration.parameters.update(lobby=LOBBY, limits=limits)

    async def on_connect(self, client: Client) -> None:
        await self.subscribe(client, DIRECTORY)

    async def on_resume(self, client: Client) -> None:
        # The restart was no leaving for the others in the room, so nothing is published.
        room = client.data.get("room")
        if room is not None:
            with suppress(ChatError):
                self._rooms.enter(self._person(client), room)

    async def on_message(self, client: Client, message: Any) -> None:
        try:
            await client.limit("messages", MESSAGES, per=PERIOD)
            events = self._rooms.handle(client.id, message, time.time())
        except (ChatError, RpcError) as error:
            await client.send(
                {"kind": "refused", "tag": tag_of(message), "code": error.code, "message": error.message}
            )
        else:
            await self._publish(events)

    async def on_disconnect(self, client: Client) -> None:
        await self._publish(self._rooms.leave(client.id))

    @rpc
    async def rooms(self, client: Client) -> list[dict[str, Any]]:
        """Return each room with its name and number of people."""
        return self._rooms.directory()

    @rpc
    async def enter(self, client: Client, name: Any) -> dict[str, Any]:
        """Enter the room ``name``; return its people and its recent messages."""
        await client.limit("moves", MOVES, per=PERIOD)
        before = self._rooms.find(client.id)
        with _errors_answered():
            room, events = self._rooms.enter(self._person(client), name)
        if before is not None and before is not room:
            await self.unsubscribe(client, before.channel)
        client.data["room"] = room.name
        await self.subscribe(client, room.channel)
        await self._publish(events)
        return {**room.snapshot(), "you": self._name(client)}

    @rpc
    async def rename(self, client: Client, name: Any) -> str:
        """Change the name of the caller; return the cleaned name that others see."""
        await client.limit("moves", MOVES, per=PERIOD)
        with _errors_answered():
            cleaned, events = self._rooms.rename(client.id, name)
        client.data["name"] = cleaned
        await self._publish(events)
        return cleaned

    def _person(self, client: Client) -> Person:
        return Person(client.id, self._name(client), client.network)

    def _name(self, client: Client) -> str:
        if "name" not in client.data:
            client.data["name"] = f"Guest {next(self._guests)}"
        return str(client.data["name"])

    async def _publish(self, events: list[Event]) -> None:
        for event in events:
            await self.publish(event.channel, event.data)


@contextmanager
def _errors_answered() -> Iterator[None]:
    try:
        yield
    except ChatError as error:
        raise RpcError(error.code, error.message) from None
