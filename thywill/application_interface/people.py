"""Saves the data that applications keep for people (``client.person``), and reads it at the start."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from thywill.component import Component
from thywill.core.measures import Measures
from thywill.core.periods import until_next_period
from thywill.database.base import Database, DatabaseUnavailable
from thywill.hub.people import People

log = logging.getLogger(__name__)

SAVE_EVERY = 0.5
"""Seconds between two transactions with changes."""
READ_TURN = 4
"""In every fourth turn the changes that other servers have saved are read."""
OVERLAP = 60.0
"""Seconds by which the clocks of servers that share a database may differ."""
ROWS_PER_TRANSACTION = 1000
"""The largest number of rows in one transaction."""


class SavedPeople(Component):
    """Saves the people of the hub in the database.

    Args:
        people: the people for whom applications keep data.
        database: where the data is saved.
        is_alive: returns whether a session has a client.
        follows: whether other servers save people in the same database.
        wall: the clock, in seconds since the epoch.
    """

    def __init__(
        self,
        people: People,
        database: Database,
        is_alive: Callable[[str], bool],
        *,
        follows: bool = False,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._people = people
        self._database = database
        self._is_alive = is_alive
        self._follows = follows
        self._wall = wall
        if follows:
            people.follow = self.follow
        self._failing = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Read the saved people, and begin to save changes."""
        try:
            self._people.load(await self._database.load_people())
        except DatabaseUnavailable as error:
            log.error("client.person is empty for all, since it cannot be read: %s", error)  # noqa: TRY400
        self._task = asyncio.get_running_loop().create_task(self._keep_saving())

    async def stop(self) -> None:
        """Save the changes since the last transaction."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.save()

    def measure(self, measures: Measures) -> None:
        measures.gauge("thywill_people", "People whose data is kept.", len(self._people))

    async def save(self) -> None:
        """Save changes, and delete people who are too old or too many; log the first of several failures."""
        try:
            await self._save()
        except DatabaseUnavailable as error:
            if not self._failing:
                self._failing = True
                log.warning("changes of client.person are not saved at present: %s", error)
        else:
            if self._failing:
                self._failing = False
                log.warning("changes of client.person are saved again")

    async def follow(self) -> None:
        """Read what other servers have saved."""
        with suppress(DatabaseUnavailable):
            self._people.take(await self._database.load_people(self._people.latest - OVERLAP))

    async def _save(self) -> None:
        now = self._wall()
        rows = self._people.changes(self._is_alive, now)
        for start in range(0, len(rows), ROWS_PER_TRANSACTION):
            some = rows[start : start + ROWS_PER_TRANSACTION]
            await self._database.save_people(some, ())
            self._people.saved(some)
        gone = self._people.excess(now)
        if gone:
            await self._database.save_people((), gone)

    async def _keep_saving(self) -> None:
        loop = asyncio.get_running_loop()
        for turn in count(1):
            await asyncio.sleep(until_next_period(SAVE_EVERY, loop.time()))
            try:
                if self._follows and turn % READ_TURN == 0:
                    await self.follow()
                await self.save()
            except Exception:
                log.exception("changes of client.person could not be saved")
