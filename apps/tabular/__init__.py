"""Table: many people edit it at once, and nothing that they write is lost.

Each change is an event in the channel ``table``, which keeps the last ones. These events are the only store:
a page that comes late makes the table from them, and so does this class after a restart.
"""

from __future__ import annotations

import asyncio
import logging
import time
import zlib
from typing import Annotated, Any

from msgspec import Meta

from apps.tabular.picnic import COLUMNS, ROWS_AT_FIRST
from apps.tabular.sheet import KEPT, ROWS, Change, Event, Sheet, Value
from apps.tabular.words import NAME, NotAllowed, clean_text
from thywill import Client, Configuration, Cuttable, RpcError, Unavailable, on, rpc

log = logging.getLogger(__name__)

TABLE = "table"
CURSORS = "cursors"
EDITS = 20
"""How many changes one page may make in a second."""
MOVES = 30
"""How often one page may move its cursor in a second."""
ANIMALS = ("Otter", "Heron", "Lynx", "Badger", "Robin", "Marten", "Owl", "Beaver", "Fox", "Swift")
"""Names for people who have not chosen one."""

Number = Annotated[int, Meta(ge=0, le=2**53 - 1)]
ColumnNumber = Annotated[int, Meta(ge=0, lt=len(COLUMNS))]


class Tabular(Cuttable):
    title = "Table"
    description = "Edit one table together: see who writes where, and lose nothing."
    icon = "icon.svg"
    page = "tabular.html"
    scripts = ["cells.js", "grid.js", "editor.js", "people.js", "details.js", "tabular.js"]
    styles = ["tabular.css"]
    history = {TABLE: {"count": KEPT, "bytes": 32 * 1024 * 1024}}
    channel_overflow = {CURSORS: "conflate"}

    async def on_start(self) -> None:
        self.sheet = Sheet(COLUMNS)
        self._cursors: dict[str, dict[str, Any]] = {}
        self._people: dict[str, str] = {}
        for event in self.past(TABLE):
            try:
                self.sheet.apply(event)
            except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
                log.warning("the channel %r has something that is no event of the table: %r", TABLE, error)
        if not self.sheet.rows:
            await self._tell(self.sheet.add(ROWS_AT_FIRST, Change("", time.time(), "")))

    def bootstrap(self, client: Client, configuration: Configuration) -> None:
        super().bootstrap(client, configuration)
        configuration.parameters.update(columns=COLUMNS, rows=ROWS)

    # Coming and going.

    async def on_connect(self, client: Client) -> None:
        await self._meet(client)
        await self.subscribe(client, TABLE, replay=True)
        await self.subscribe(client, CURSORS, snapshot=self._here)
        await self._show_cursor(client)

    async def on_resume(self, client: Client) -> None:
        await self._meet(client)

    async def on_disconnect(self, client: Client) -> None:
        self._people.pop(client.id, None)
        if self._cursors.pop(client.id, None):
            await self.publish(CURSORS, {"type": "left", "id": client.id}, key=client.id)

    async def _meet(self, client: Client) -> None:
        name = client.person.get("name") or self._animal(client.person_id)
        cursor = {"type": "cursor", "id": client.id, "name": name, "row": None, "column": 0, "editing": False}
        self._people[client.id] = client.person_id
        self._cursors[client.id] = {**cursor, **client.data.get("cursor", {})}

    def _animal(self, person: str) -> str:
        """Return a name for a person who has chosen none, if possible one that nobody else has."""
        others = {self._cursors[each]["name"] for each, who in self._people.items() if who != person}
        first = zlib.crc32(person.encode())
        names = [ANIMALS[(first + place) % len(ANIMALS)] for place in range(len(ANIMALS))]
        return next((name for name in names if name not in others), names[0])

    def _here(self) -> Event:
        # More would not fit into one message.
        return {"type": "here", "people": list(self._cursors.values())[-200:]}

    @on("name")
    async def rename(self, client: Client, name: str) -> None:
        """Change the name of a person, on all pages of that person."""
        await client.limit("names", 5, per=10)
        try:
            client.person["name"] = clean_text(name, NAME)
        except NotAllowed as error:
            raise RpcError("name", str(error)) from None
        for page in self.clients(CURSORS):
            if page.session == client.session:
                await self._meet(page)
                await self._show_cursor(page)

    @on("cursor")
    async def cursor(self, client: Client, row: Number | None, column: ColumnNumber, editing: bool) -> None:
        """Show the others which cell a person is in, and whether the person is writing."""
        await client.limit("moves", MOVES, per=1)
        place = {"row": row, "column": column, "editing": editing}
        client.data["cursor"] = place
        self._cursors[client.id].update(place)
        await self._show_cursor(client)

    async def _show_cursor(self, client: Client) -> None:
        await self.publish(CURSORS, self._cursors[client.id], key=client.id)

    # Changes. ``number`` is the page's number of a change; a change that is repeated after a crash keeps it.

    @rpc
    async def write(
        self, client: Client, row: Number, column: ColumnNumber, value: Any, base: Number, number: Number
    ) -> Event:
        """Write a cell; return its version, or the entry that somebody else has written meanwhile."""
        change = await self._begin(client, number)
        if (done := self.sheet.outcome(change.mark)) is not None:
            return {"version": done}
        cleaned, present = self._clean(row, column, value), self.sheet.rows[row].present(column)
        if present.value == cleaned:
            return {"version": present.version}
        event = self.sheet.write(row, column, cleaned, base, change)
        if event is None:
            return {"conflict": present}
        await self._tell(event)
        return {"version": event["entry"].version}

    def _clean(self, row: int, column: int, value: object) -> Value:
        if row not in self.sheet.rows:
            raise RpcError("gone", "Somebody has removed this row.")
        try:
            return self.sheet.clean(column, value)
        except NotAllowed as error:
            raise RpcError("value", str(error)) from None

    @rpc
    async def add(self, client: Client, number: Number) -> int:
        """Add a row at the end; return its id."""
        change = await self._begin(client, number)
        if (done := self.sheet.outcome(change.mark)) is not None:
            return done
        if len(self.sheet.rows) >= ROWS:
            raise RpcError("full", f"The table has {ROWS} rows; remove one first.")
        event = self.sheet.add([[None] * len(COLUMNS)], change)
        await self._tell(event)
        return int(event["rows"][0]["id"])

    @rpc
    async def remove(self, client: Client, row: Number, number: Number) -> None:
        """Remove a row; nothing happens if it is gone."""
        change = await self._begin(client, number)
        if self.sheet.outcome(change.mark) is None and row in self.sheet.rows:
            await self._tell(self.sheet.remove(row, change))

    @rpc
    async def restore(self, client: Client, row: Number, number: Number) -> None:
        """Bring a removed row back."""
        change = await self._begin(client, number)
        if self.sheet.outcome(change.mark) is not None or row in self.sheet.rows:
            return
        if row not in self.sheet.removed or len(self.sheet.rows) >= ROWS:
            raise RpcError("gone", "This row cannot be brought back.")
        await self._tell(self.sheet.restore(row, change))

    @rpc
    async def entries(self, client: Client, row: Number, column: ColumnNumber) -> list[Any]:
        """Return the last values of a cell, the newest first."""
        await client.limit("entries", EDITS, per=1)
        if row not in self.sheet.rows:
            raise RpcError("gone", "Somebody has removed this row.")
        return list(reversed(self.sheet.rows[row].cells[column]))

    async def _begin(self, client: Client, number: int) -> Change:
        await client.limit("edits", EDITS, per=1)
        return Change(self._cursors[client.id]["name"], round(time.time(), 1), f"{client.id} {number}")

    async def _tell(self, event: Event) -> None:
        for each in (event, *self.sheet.stale()):
            await self._publish(each)

    async def _publish(self, event: Event) -> None:
        # The table has changed already, so try until the event is stored.
        while True:
            try:
                await self.publish(TABLE, event)
            except Unavailable as error:
                await asyncio.sleep(error.retry)
            else:
                return
