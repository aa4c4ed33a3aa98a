"""Draw: one sheet of paper for everybody who has the page open.

The server stores no picture. The picture is the sum of messages: *a line*, *undo that line*, *clear all my
lines*. The channel ``paper`` keeps the last 5,000 of these messages. A page that comes later gets them
(``replay=True``), and every page adds them up in the same way, so all show the same picture. This class has
no picture that a restart, or a change to another server, could lose.

    1  {"type": "line", "by": "ann", "n": 1, …}     1
    2  {"type": "line", "by": "bob", "n": 1, …}     1 2
    3  {"type": "undo", "by": "ann", "n": 1}        2
    4  {"type": "clear", "by": "bob"}               nothing is left

The oldest message is dropped next. If it is a line, the line fades from every sheet. Otherwise the message
has no effect any more, since the lines that it takes back are older still.
"""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

from msgspec import Meta

from thywill import Client, Cuttable, on, one_line, rpc

PAPER = "paper"
PENS = "pens"
PEOPLE = "people"

LINES = 5000
"""The number of messages that make up the picture. They fit into one page's outbox: see ``test_draw.py``."""
POINTS = 28
"""The most points of one line. A longer stroke is several lines with the same number."""
NAME = 24
"""The largest number of characters in a name."""
TOLD = 500
"""How many names a new page gets; more would not fit into a message."""
STROKES, PERIOD = 60, 10.0
"""Lines that a page may draw in so many seconds; nobody's hand is faster."""
MOVES = 30
"""Moves of the pen that a page may send in a second."""

# A point is four characters: two digits to the base 64 for x, and two for y. They are shares of the paper, so
# no message can have a point outside the paper.
Point = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{4}\Z")]
Points = Annotated[str, Meta(pattern=rf"\A([A-Za-z0-9_-]{{4}}){{1,{POINTS}}}\Z")]
Number = Annotated[int, Meta(ge=1, le=999_999)]
Colour = Annotated[int, Meta(ge=0, le=10)]
Width = Annotated[int, Meta(ge=0, le=3)]


class Draw(Cuttable):
    title = "Draw"
    description = "Draw together on one sheet of paper. Whoever comes later sees all of it."
    icon = "icon.svg"
    page = "draw.html"
    scripts = [
        "points.js",
        "picture.js",
        "canvas.js",
        "vml.js",
        "cells.js",
        "hand.js",
        "people.js",
        "draw.js",
        "tools.js",
    ]
    styles = ["draw.css"]
    history = {PAPER: LINES}
    presence = [PAPER]
    channel_overflow = {PENS: "conflate"}

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    # Coming and going.

    async def on_connect(self, client: Client) -> None:
        client.data["name"] = client.person.get("name", "")
        self._know(client)
        await self._show(client)
        await self.subscribe(client, PEOPLE, snapshot=self._people)
        await self.subscribe(client, PENS)

    async def on_resume(self, client: Client) -> None:
        self._know(client)

    async def on_disconnect(self, client: Client) -> None:
        await self.publish(PENS, {"type": "pen", "page": client.id}, key=client.id)

    async def on_leave(self, channel: str, person: dict[str, Any]) -> None:
        here = {each["id"] for each in self.people(channel)}
        self._names = {who: name for who, name in self._names.items() if who in here}

    @rpc
    async def show(self, client: Client) -> None:
        """Send the page the whole picture again, since the page has lost a part of it."""
        await client.limit("show", 2, per=PERIOD)
        await self.unsubscribe(client, PAPER)
        await self._show(client)

    async def _show(self, client: Client) -> None:
        await client.send({"type": "you", "id": client.person_id, "lines": LINES})
        await self.subscribe(client, PAPER, replay=True)

    # The picture.

    @rpc
    async def line(self, client: Client, n: Number, colour: Colour, width: Width, points: Points) -> None:
        """Draw a line; ``n`` is the person's number of the line, for ``undo``."""
        await client.limit("strokes", STROKES, per=PERIOD)
        await self.publish(PAPER, make_line(client.person_id, n, colour, width, points))

    @rpc
    async def undo(self, client: Client, n: Number) -> None:
        """Take back the lines of this person with the number ``n``."""
        await client.limit("strokes", STROKES, per=PERIOD)
        await self.publish(PAPER, {"type": "undo", "by": client.person_id, "n": n})

    @rpc
    async def clear(self, client: Client) -> None:
        """Take back all lines of this person."""
        await client.limit("clear", 3, per=PERIOD)
        await self.publish(PAPER, {"type": "clear", "by": client.person_id})

    # The others.

    @on("pen")
    async def pen(
        self, client: Client, at: Point, colour: Colour, width: Width, points: Points | None
    ) -> None:
        """Show the others where this page's pen is, and the line that it is drawing."""
        await client.limit("pens", MOVES, per=1)
        pen: dict[str, Any] = {"type": "pen", "page": client.id, "by": client.person_id, "at": at}
        if points is not None:
            pen |= {"c": colour, "w": width, "p": points}
        await self.publish(PENS, pen, key=client.id, exclude=client)

    @on("name")
    async def name_me(self, client: Client, name: str) -> None:
        await client.limit("names", 5, per=PERIOD)
        client.data["name"] = client.person["name"] = shown = one_line(name, NAME)
        self._know(client)
        await self.publish(PEOPLE, {"type": "names", "names": {client.person_id: shown}})

    def _know(self, client: Client) -> None:
        self._names[client.person_id] = client.data.get("name", "")

    def _people(self) -> dict[str, Any]:
        chosen = ((who, name) for who, name in self._names.items() if name)
        return {"type": "names", "names": dict(islice(chosen, TOLD))}


def make_line(by: str, n: int, colour: int, width: int, points: str) -> dict[str, Any]:
    """Return the message for one line of the picture."""
    return {"type": "line", "by": by, "n": n, "c": colour, "w": width, "p": points}
