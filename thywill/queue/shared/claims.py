"""Claims: moves a client here from another server, because its page polls here now."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping

import msgspec

from thywill.core.log import MessageLog
from thywill.core.measures import Measures
from thywill.core.outbox import Bounds
from thywill.errors import Gone, RequestError, Unavailable
from thywill.hub.moves import Moves
from thywill.hub.ports import Then
from thywill.queue.shared.base import SharedStore, StoreUnavailable
from thywill.queue.shared.names import UNKNOWN, application_of
from thywill.queue.shared.operations import Claim, Outcome, Unknown
from thywill.queue.shared.pipeline import Pipeline
from thywill.queue.shared.reader import LogReader
from thywill.queue.shared.rebuilding import first_needed, rebuild
from thywill.queue.shared.rows import ClientRow, LogEntry

log = logging.getLogger(__name__)

RETRY_DELAYS = (0.05, 0.2, 0.5, 1.0, 1.5, 2.0)
"""Seconds between tries to claim an unknown client: the server that made it may not have stored it yet."""
CATCH_UP_TIMEOUT = 5.0
"""Seconds that this server has to read the log up to a page's cursor."""

AWAY = "the servers' shared store is away at present"


class Claims:
    """Claims clients. ``done`` counts the clients that were moved here.

    Args:
        store: the store.
        pipeline: executes the claims.
        reader: reads and applies the log.
        moves: adds the clients to this server.
        bounds: how much an outbox may hold.
        logs: count the messages that wait, by application.
        name: the name of this server.
        lease: seconds of a claimed client's lease.
    """

    def __init__(
        self,
        store: SharedStore,
        pipeline: Pipeline,
        reader: LogReader,
        moves: Moves,
        bounds: Bounds,
        logs: Mapping[str, MessageLog],
        name: str,
        lease: float,
    ) -> None:
        self._store = store
        self._pipeline = pipeline
        self._reader = reader
        self._moves = moves
        self._bounds = bounds
        self._logs = logs
        self._name = name
        self._lease = lease
        self._waiting: dict[str, tuple[int, list[Then]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.done = 0

    def claim(self, client_id: str, cursor: int, then: Then) -> None:
        """Move a client here; call ``then`` with None when it is here, or with the error."""
        if client_id in self._waiting:
            self._waiting[client_id][1].append(then)
            return
        self._waiting[client_id] = (cursor, [then])
        task = asyncio.get_running_loop().create_task(self._claim_and_rebuild(client_id, cursor))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def measure(self, measures: Measures) -> None:
        """Add the metric of moved clients."""
        text = "Clients that this server has brought here from another one."
        measures.counter("thywill_claims_total", text, self.done)

    def floors(self, application: str) -> Iterator[int]:
        """Yield the ids after which clients that are being claimed may need the log."""
        for client_id, (cursor, _) in self._waiting.items():
            if application_of(client_id) == application:
                yield cursor

    async def _claim_and_rebuild(self, client_id: str, cursor: int) -> None:
        error: RequestError | None = None
        try:
            await self._claim(client_id, cursor)
        except RequestError as refusal:
            error = refusal
        except Exception:
            log.exception("%s could not be brought here", client_id)
            error = Unavailable(AWAY, retry=1)
        _, waiting = self._waiting.pop(client_id)
        for then in waiting:
            _call(then, error)

    async def _claim(self, client_id: str, cursor: int) -> None:
        application = application_of(client_id)
        if application not in self._reader.positions:
            raise Gone(UNKNOWN, reconnect=True)
        row = await self._row(application, client_id, cursor)
        needed = first_needed(row, cursor)
        entries, trimmed = await self._entries(application, needed)
        row = msgspec.structs.replace(row, trimmed=trimmed)
        if self._moves.find(client_id) is not None:
            return
        position = self._reader.positions[application]
        rebuilt = rebuild(row, entries, cursor, position, self._bounds, self._logs[application])
        self._moves.adopt(rebuilt.client, rebuilt.channels)
        self.done += 1

    async def _row(self, application: str, client_id: str, cursor: int) -> ClientRow:
        operation = Claim(application, client_id, self._name, cursor, self._lease)
        outcome: Outcome = None
        for pause in (*RETRY_DELAYS, 0.0):
            outcome = await self._pipeline.ask(operation)
            if not isinstance(outcome, Unknown):
                break
            await asyncio.sleep(pause)
        if isinstance(outcome, ClientRow):
            return outcome
        if isinstance(outcome, RequestError):
            raise outcome
        raise Unavailable(AWAY, retry=1)

    async def _entries(self, application: str, after: int) -> tuple[list[LogEntry], int]:
        """Return the entries after ``after``, up to the position that is applied when this returns.

        The second result is the id up to which entries may be missing because the log was trimmed; 0 if none
        is.
        """
        try:
            await asyncio.wait_for(self._reader.wait_until_read(application, after), CATCH_UP_TIMEOUT)
            remembered = self._reader.after(application, after)
            if remembered is not None:
                return remembered, 0
            position = self._reader.positions[application]
            fetched = await self._store.range(application, after, position)
            trimmed = await self._store.trimmed(application)
        except (StoreUnavailable, TimeoutError):
            raise Unavailable(AWAY, retry=1) from None
        return [*fetched, *(self._reader.after(application, position) or ())], trimmed


def _call(then: Then, error: RequestError | None) -> None:
    try:
        then(error)
    except Exception:
        log.exception("a request could not go on after its client was brought here")
