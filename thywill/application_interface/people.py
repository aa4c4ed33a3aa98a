"""Saves what applications keep for people, and reads it at the start."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import count

from thywill.component import Component
from thywill.core.measures import Measures
from thywill.database.base import Database, DatabaseUnavailable
from thywill.hub.people import People

log = logging.getLogger(__name__)

EVERY = 0.5
"""Seconds between two looks for changes."""
FOLLOW = 4
"""At every fourth of these looks it is read what other servers have saved."""
OVERLAP = 60.0
"""Seconds by which the clocks of servers that share a database may differ."""
SLICE = 1000
"""Rows that are written in one transaction."""


class SavedPeople(Component):
    """Keeps the people of the hub in the database.

    Args:
        people: what applications have asked for.
        database: where it is saved.
        is_alive: tells whether a session has a client.
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
        """Read what was saved, and begin to save what changes."""
        try:
            self._people.load(await self._database.load_people())
        except DatabaseUnavailable as error:
            log.error("the people cannot be read, and begin anew: %s", error)  # noqa: TRY400
        self._task = asyncio.get_running_loop().create_task(self._keep_saving())

    async def stop(self) -> None:
        """Save what has changed since the last look."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
        await self.save()

    def measure(self, measures: Measures) -> None:
        measures.gauge("thywill_people", "People whose data is kept.", len(self._people))

    async def save(self) -> None:
        """Save what has changed, and delete what is too old or too much; log a failure once."""
        try:
            await self._save()
        except DatabaseUnavailable as error:
            if not self._failing:
                self._failing = True
                log.warning("people are not saved at present: %s", error)
        else:
            if self._failing:
                self._failing = False
                log.warning("people are saved again")

    async def follow(self) -> None:
        """Read what other servers have saved."""
        with suppress(DatabaseUnavailable):
            self._people.take(await self._database.load_people(self._people.latest - OVERLAP))

    async def _save(self) -> None:
        now = self._wall()
        rows = self._people.changes(self._is_alive, now)
        for start in range(0, len(rows), SLICE):
            some = rows[start : start + SLICE]
            await self._database.save_people(some, ())
            self._people.saved(some)
        gone = self._people.excess(now)
        if gone:
            await self._database.save_people((), gone)

    async def _keep_saving(self) -> None:
        for turn in count(1):
            await asyncio.sleep(EVERY)
            try:
                if self._follows and turn % FOLLOW == 0:
                    await self.follow()
                await self.save()
            except Exception:
                log.exception("people could not be saved")
