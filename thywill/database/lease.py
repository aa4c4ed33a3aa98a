"""The lease on a database: only one server at a time writes to it.

Two servers on one durable queue would break its promise: both would assign ids, and each would treat the
other's clients as gone. So a server has to own the database before it reads the queue. The table
``thywill_owner`` has one row with the owner and the *fencing number*, which grows with every change of the
owner. An example:

    server A takes the lease            number 7, owner A
    A writes                            each transaction first checks that the number is still 7
    A's machine is suspended            its heartbeat (``beat``, every 2 s) stands still
    server B waits, 10 s go by          B takes the lease: number 8, owner B
    A goes on and commits               the check finds 8: the transaction is rolled back, A is *deposed*

The check locks the row against changes until the transaction ends, so B cannot take the lease between A's
check and A's commit. A server that ends releases the lease, and the next server takes it at once. A server
also takes it at once if the owner's process is gone from this machine, as after ``kill -9``. With SQLite the
owner also holds a lock of the system (``flock``) on a file beside the database. This lock ends with the
process, so no heartbeat is needed.

No two clocks are compared: a waiting server measures with its own clock how long the beat has not changed. A
new number is at least the current time, so it also grows if the database is replaced by an old backup.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import peewee

from thywill.core.positions import begin
from thywill.database.backend import Backend
from thywill.database.base import DatabaseUnavailable
from thywill.database.owner import ServerProcess

ROW = 1
"""The id of the only row."""

NOBODY = ServerProcess(0, "this machine", "which is just starting")
"""The owner's name if a server has the lock of the system, but has not written its row yet."""

SILENCE = 10.0
"""Seconds without a heartbeat after which the lease of a server on another machine may be taken."""


class Deposed(DatabaseUnavailable):
    """Another server owns the database now, so this one must not write.

    Args:
        reason: the other server, as text for people.
    """

    def __str__(self) -> str:
        return f"another server writes to the database now: {self.reason}"


def owner_model() -> Any:
    """Return a new model of the table ``thywill_owner``, so that two databases never share one."""

    class OwnerModel(peewee.Model):
        id = peewee.BigIntegerField(primary_key=True)
        number = peewee.BigIntegerField()
        beat = peewee.BigIntegerField()
        released = peewee.BooleanField()
        process = peewee.BigIntegerField()
        host = peewee.CharField(255)
        address = peewee.CharField(255)
        machine = peewee.CharField(255)
        started = peewee.BigIntegerField()

        class Meta:
            table_name = "thywill_owner"

    return OwnerModel


class Lease:
    """The lease of this process on one database. Every method blocks and runs in the database's thread.

    A lease that was never taken checks nothing: commands of ``run.py`` write to no table of the server.

    Args:
        database: the database.
        monotonic, wall: the two clocks, in seconds. Silence is measured by the first; new numbers come from
            the second.

    Raises:
        PeeweeException: any method raises it when the database refuses or fails.
    """

    def __init__(
        self,
        database: Backend,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.model = owner_model()
        self.model.bind(database)
        self.number: int | None = None
        self._database = database
        self._monotonic = monotonic
        self._wall = wall
        self._heard: tuple[tuple[int, int], float] | None = None
        self._check_sql = ""

    def take(self, me: ServerProcess) -> ServerProcess | None:
        """Take the lease if it is free; return its owner if it is not."""
        locked = self._database.take_lock()
        row = self.model.get_or_none(self.model.id == ROW)
        if row is None:
            return NOBODY if locked is False else self._insert(me)
        owner = _owner_of(row)
        if locked is False:
            return owner
        if locked or row.released or owner.has_ended() or self._is_silent(row):
            return self._replace(me, row)
        return owner

    def _replace(self, me: ServerProcess, row: Any) -> ServerProcess | None:
        number = begin(self._wall(), row.number)
        same = (self.model.id == ROW) & (self.model.number == row.number) & (self.model.beat == row.beat)
        if not self.model.update(**_values(me, number)).where(same).execute():
            return _owner_of(self.model.get_by_id(ROW))  # another server was faster
        self.number = number
        return None

    def beat(self) -> None:
        """Write the heartbeat, which shows that this server is alive.

        Raises:
            Deposed: this server does not own the database any more.
        """
        with self.transaction():
            if not self._database.holds_lock:
                mine = self.model.number == self.number
                self.model.update(beat=self.model.beat + 1).where(mine).execute()

    def release(self) -> None:
        """Release the lease for the next server; nothing happens if this server does not hold it."""
        number, self.number = self.number, None
        try:
            if number is not None:
                self.model.update(released=True).where(self.model.number == number).execute()
        finally:
            self._database.release_lock()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the ``with`` block in a transaction that is committed only if this server owns the database.

        Raises:
            Deposed: this server does not own the database.
        """
        with self._database.atomic():
            if self.number is not None:
                self._check()
            yield

    def _check(self) -> None:
        if not self._check_sql:
            query = self.model.select(self.model.number).where(self.model.id == ROW)
            self._check_sql = query.sql()[0] + self._database.share_lock
        found = self._database.execute_sql(self._check_sql, (ROW,)).fetchone()  # type: ignore[no-untyped-call]
        if found is None or found[0] != self.number:
            row = self.model.get_or_none(self.model.id == ROW)
            raise Deposed("unknown" if row is None else str(_owner_of(row)))

    def _insert(self, me: ServerProcess) -> ServerProcess | None:
        number = begin(self._wall(), 0)
        try:
            with self._database.atomic():
                self.model.insert(id=ROW, **_values(me, number)).execute()
        except peewee.IntegrityError:  # another server was faster
            row = self.model.get_by_id(ROW)
            return _owner_of(row)
        self.number = number
        return None

    def _is_silent(self, row: Any) -> bool:
        state, now = (row.number, row.beat), self._monotonic()
        if self._heard is None or self._heard[0] != state:
            self._heard = state, now
        return now - self._heard[1] >= SILENCE


def _values(me: ServerProcess, number: int) -> dict[str, Any]:
    return {
        "number": number,
        "beat": 0,
        "released": False,
        "process": me.process,
        "host": me.host,
        "address": me.address,
        "machine": me.machine,
        "started": me.started,
    }


def _owner_of(row: Any) -> ServerProcess:
    return ServerProcess(row.process, row.host, row.address, row.machine, row.started)
