"""The database component with Peewee, for SQLite, MariaDB, MySQL and PostgreSQL."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Literal

from msgspec.structs import replace

from thywill.core.measures import Measures
from thywill.core.periods import until_next_period
from thywill.core.person import StoredPerson
from thywill.core.record import ClientRecord, Recorded, storable
from thywill.database.base import Database, DatabaseUnavailable, MessageStore
from thywill.database.clients import ClientTable
from thywill.database.lease import Deposed, Lease
from thywill.database.messages import Models
from thywill.database.owner import ServerProcess, this_process
from thywill.database.pending import Pending
from thywill.database.people import PeopleTable
from thywill.database.rows import Row, decode, encode, key
from thywill.database.schema import MIGRATIONS, create_lost_tables
from thywill.database.store import PeeweeMessages
from thywill.database.timed_thread import TimedThread
from thywill.database.urls import make_database
from thywill.database.write_failures import WriteFailures
from thywill.errors import SettingsError

log = logging.getLogger("thywill.database")

DAY = 86400.0

BATCH = 5000
"""How many records one transaction writes. It takes some 50 ms, and a ``find`` may have to wait for it."""

SECONDS_PER_TURN = 0.005
"""Seconds for which records are encoded in one turn of the loop."""

HEARTBEAT = 2.0
"""Seconds between two heartbeats of the server that owns the database."""

LEASE_RETRY = 0.25
"""Seconds between two tries to take the lease of another server."""

PURGE_EVERY = 60.0
"""Seconds between two deletions of old records: often enough even for a flood of new clients."""
PURGE_SLICE = 500
"""How many old records one transaction deletes; batches are written between two of these."""


@dataclass(frozen=True, slots=True)
class PeeweeSettings:
    """The section ``[database]``.

    Args:
        url: the database; a relative file is below the folder ``[server] data``.
        flush: seconds between two batches.
        keep: days after which the record of a gone client is deleted; 0 keeps it for ever.
        records: how many records are kept; beyond it, the oldest records of gone clients are deleted. 0 sets
            no limit.
        buffer: how many records may wait while the database cannot be written.
        timeout: seconds to wait for a lock that another program holds; with a database server also for a
            connection and for each statement, at least 1.
        migrate: whether the start migrates an older schema (``auto``) or fails (``refuse``).
    """

    url: str = field(default="sqlite:///thywill.db", repr=False)
    flush: float = 0.5
    keep: float = 30.0
    records: int = 1_000_000
    buffer: int = 100_000
    timeout: float = 5.0
    migrate: Literal["auto", "refuse"] = "auto"

    def __post_init__(self) -> None:
        for name in ("flush", "buffer"):
            if getattr(self, name) <= 0:
                raise SettingsError(f"[database] {name} must be more than 0, not {getattr(self, name)}")
        for name in ("keep", "records", "timeout"):
            if getattr(self, name) < 0:
                raise SettingsError(f"[database] {name} must not be below 0, not {getattr(self, name)}")


class PeeweeDatabase(Database):
    """Collects saved records in memory and writes them in batches, in a thread."""

    Settings = PeeweeSettings
    migrations: ClassVar[Path] = MIGRATIONS

    def __init__(self, settings: PeeweeSettings, folder: Path) -> None:
        super().__init__(settings, folder)
        database = make_database(settings.url, folder, settings.timeout)
        self._thread = TimedThread(database, self.migrations, refuse=settings.migrate == "refuse")
        self._lease = Lease(database)
        self._table = ClientTable(database, self._lease.transaction)
        self._people = PeopleTable(database, self._lease.transaction)
        own = [self._table.model, self._people.model, self._lease.model]
        self._models = [*own, *Models.bound_to(database).all()]
        self._pending = Pending(settings.buffer)
        self._failures = WriteFailures()
        self._turn = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Open the database, and begin to write every ``flush`` seconds."""
        await self._thread.open()
        lost = await self._thread.run(create_lost_tables, self._thread.database, self._models)
        if lost:
            log.warning("%s lacked %s, which is now empty", self._thread.database.label, ", ".join(lost))
        self._turn = asyncio.Lock()
        self._tasks = [asyncio.create_task(self._keep_writing()), asyncio.create_task(self._keep_purging())]

    async def own(self, address: str, patience: float, deposed: Callable[[str], None]) -> None:
        """Take the lease on the database, which is released in ``stop``."""
        me = this_process(address)
        deadline, logged = time.monotonic() + patience, False
        while trouble := await self._take_lease(me):
            if time.monotonic() >= deadline:
                raise SettingsError(f"[database] url: {trouble}")
            if not logged:
                log.info("waiting for up to %.0f s: %s", patience, trouble)
            logged = True
            await asyncio.sleep(LEASE_RETRY)
        self._tasks.append(asyncio.create_task(self._keep_owning(deposed)))

    async def _take_lease(self, me: ServerProcess) -> str:
        """Take the lease; return why it cannot be taken now, or an empty text."""
        try:
            owner = await self._thread.run(self._lease.take, me)
        except DatabaseUnavailable as error:  # for example, two servers that start at once cause a deadlock
            return str(error)
        if owner is None:
            return ""
        label = self._thread.database.label
        return f"{label} belongs to another server: {owner}. End that one, or name another database"

    async def _keep_owning(self, deposed: Callable[[str], None]) -> None:
        reason = ""
        while True:
            await asyncio.sleep(HEARTBEAT)
            try:
                await self._thread.run(self._lease.beat)
                reason = ""
            except Deposed as error:
                deposed(str(error))
                return
            except DatabaseUnavailable as error:
                if not reason:
                    log.warning("%s", error)
                reason = str(error)

    async def migrate(self) -> list[str]:
        """Bring the schema up to date without starting, whatever the setting ``migrate`` says.

        Returns:
            The names of the migrations that were applied.

        Raises:
            SettingsError: the database cannot be reached, or a migration failed.
        """
        return await self._thread.migrate()

    async def pending_migrations(self) -> list[str]:
        """Return the names of the migrations that are missing in the database, without starting.

        Raises:
            SettingsError: the database cannot be reached, or a newer version of thywill has written it.
        """
        return await self._thread.pending()

    async def stop(self) -> None:
        """Try once more to write the waiting records, and close the database."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        try:
            await self.flush()
        except DatabaseUnavailable as error:
            log.error("%d client records are lost: %s", len(self._pending), error.reason)  # noqa: TRY400
        with suppress(DatabaseUnavailable):
            await self._thread.run(self._lease.release)
        await self._thread.close()
        self._thread.database.release_lock()

    def measure(self, measures: Measures) -> None:
        """Add the metrics: how long transactions took, and how many records wait."""
        text = "How long transactions took, with the wait for their turn."
        for operation, times in self._thread.times.items():
            measures.histogram("thywill_database_seconds", text, times, operation=operation)
        text = "Client records that wait to be written."
        measures.gauge("thywill_database_waiting_records", text, len(self._pending))

    def messages(self) -> MessageStore:
        """Return the storage of the durable queue, which shares this database's thread."""
        return PeeweeMessages(self._thread, self._lease.transaction)

    def save(self, client: Recorded) -> None:
        """Put ``client`` into the buffer."""
        self._pending.add(client)

    async def flush(self) -> None:
        """Write batches until all records that wait now are stored."""
        remaining = len(self._pending)
        async with self._turn:
            while remaining > 0 and len(self._pending):
                await self._write_batch()
                remaining -= BATCH

    async def find(self, client_id: str) -> ClientRecord | None:
        """Search the buffer, then the database."""
        waiting = self._pending.find(client_id)
        if waiting is not None:
            return decode(_make_row(waiting.record()))
        row = await self._thread.run(self._table.find, key(client_id))
        return None if row is None else decode(row)

    async def find_all(
        self, *, state: str | None = None, application: str | None = None, limit: int = 1000
    ) -> list[ClientRecord]:
        """Write the waiting records, then search the database."""
        with suppress(DatabaseUnavailable):
            await self.flush()
        state, application = (None if value is None else key(value) for value in (state, application))
        rows = await self._thread.run(self._table.find_all, state, application, limit)
        return [decode(row) for row in rows]

    async def load_people(self, since: float = 0.0) -> Sequence[StoredPerson]:
        return await self._thread.run(self._people.load, since)

    async def save_people(self, rows: Sequence[StoredPerson], gone: Sequence[str]) -> None:
        await self._thread.run(self._people.write, rows, gone)

    async def retire(self) -> int:
        """Write the waiting records, then mark all records as gone."""
        await self.flush()
        return await self._thread.run(self._table.retire)

    async def _write_batch(self) -> None:
        try:
            with self._pending.batch(BATCH) as clients:
                rows = await _make_rows(clients)
                refused = await self._thread.run(self._table.write, rows) if rows else []
        except DatabaseUnavailable as error:
            self._failures.failed(error.reason, len(self._pending), self._pending.take_dropped())
            raise
        self._failures.succeeded(self._pending.take_dropped())
        for row, reason in refused:
            about = {"client": row[0]}
            log.error("the database cannot store the record of client %s: %s", row[0], reason, extra=about)

    async def _keep_writing(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(
                until_next_period(self._failures.retry_delay(self.settings.flush), loop.time())
            )
            try:
                await self.flush()
            except DatabaseUnavailable:
                continue
            except Exception:
                log.exception("client records could not be written")

    async def _keep_purging(self) -> None:
        while True:
            with suppress(DatabaseUnavailable):
                await self._purge()
            await asyncio.sleep(PURGE_EVERY)

    async def _purge(self) -> None:
        keep, most = self.settings.keep, self.settings.records
        before = time.time() - keep * DAY
        while keep and await self._thread.run(self._table.purge, before, PURGE_SLICE) == PURGE_SLICE:
            continue
        while most and await self._thread.run(self._table.shrink, most, PURGE_SLICE) == PURGE_SLICE:
            continue

    def files(self) -> Sequence[Path]:
        """Return SQLite's files."""
        return self._thread.database.files()


async def _make_rows(clients: Iterable[Recorded]) -> list[Row]:
    # On the loop and not in the thread, where a hook could change the data while it is encoded.
    loop = asyncio.get_running_loop()
    rows = []
    pause = loop.time() + SECONDS_PER_TURN
    for client in clients:
        if loop.time() >= pause:
            await asyncio.sleep(0)
            pause = loop.time() + SECONDS_PER_TURN
        try:
            rows.append(_make_row(client.record()))
        except Exception:
            log.exception("the record of client %s cannot be made", client.id)
    return rows


def _make_row(record: ClientRecord) -> Row:
    try:
        return encode(record)
    except (TypeError, ValueError, RecursionError) as error:
        data = storable(record.data)
        left_out = ", ".join(str(key) for key in record.data if key not in data)
        text = "the data of client %s is not JSON, and its record is stored without %s: %s"
        log.error(text, record.id, left_out, error)  # noqa: TRY400 - a traceback of thywill's helps nobody
        return encode(replace(record, data=data))
